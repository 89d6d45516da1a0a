-- Who waits for a code: a device is one attempt to log in on one contact in one tenant, and holds its codes. No code, link or device id
-- can be made out of what stands here.
CREATE TABLE IF NOT EXISTS {passwordless_devices} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    device_id_hash CHAR(44) NOT NULL,
    email VARCHAR(256),
    phone_number VARCHAR(256),
    link_code_salt CHAR(44) NOT NULL,
    failed_attempts INT NOT NULL,
    CONSTRAINT {name passwordless_devices}_pkey PRIMARY KEY (app_id, tenant_id, device_id_hash),
    CONSTRAINT {name passwordless_devices}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_devices_email_index ON {passwordless_devices} (app_id, tenant_id, email);
CREATE INDEX IF NOT EXISTS passwordless_devices_phone_number_index ON {passwordless_devices} (app_id, tenant_id, phone_number);

CREATE TABLE IF NOT EXISTS {passwordless_codes} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    code_id CHAR(36) NOT NULL,
    device_id_hash CHAR(44) NOT NULL,
    link_code_hash CHAR(44) NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT {name passwordless_codes}_pkey PRIMARY KEY (app_id, tenant_id, code_id),
    CONSTRAINT {name passwordless_codes}_link_code_hash_key UNIQUE (app_id, tenant_id, link_code_hash),
    CONSTRAINT {name passwordless_codes}_device_id_hash_fkey FOREIGN KEY (app_id, tenant_id, device_id_hash)
        REFERENCES {passwordless_devices} (app_id, tenant_id, device_id_hash) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_codes_created_at_index ON {passwordless_codes} (app_id, tenant_id, created_at);
CREATE INDEX IF NOT EXISTS passwordless_codes_device_id_hash_index ON {passwordless_codes} (app_id, tenant_id, device_id_hash);

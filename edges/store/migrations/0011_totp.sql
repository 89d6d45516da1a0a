-- Devices that make codes, for a whole app; and the codes that were tried, in each tenant. A row of users is what is locked while a code is
-- looked at, and what the other tables hang on. No key ties it to who logs in: the id is whatever an application calls somebody.
CREATE TABLE IF NOT EXISTS {totp_users} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    CONSTRAINT {name totp_users}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name totp_users}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS {totp_user_devices} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    device_name VARCHAR(256) NOT NULL,
    secret_key VARCHAR(256) NOT NULL,
    period INTEGER NOT NULL,
    skew INTEGER NOT NULL,
    verified BOOLEAN NOT NULL,
    created_at BIGINT,
    CONSTRAINT {name totp_user_devices}_pkey PRIMARY KEY (app_id, user_id, device_name),
    CONSTRAINT {name totp_user_devices}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {totp_users} (app_id, user_id) ON DELETE CASCADE
);
ALTER TABLE {totp_user_devices} ADD COLUMN IF NOT EXISTS created_at BIGINT;

CREATE TABLE IF NOT EXISTS {totp_used_codes} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    code VARCHAR(8) NOT NULL,
    is_valid BOOLEAN NOT NULL,
    expiry_time_ms BIGINT NOT NULL,
    created_time_ms BIGINT NOT NULL,
    CONSTRAINT {name totp_used_codes}_pkey PRIMARY KEY (app_id, tenant_id, user_id, created_time_ms),
    CONSTRAINT {name totp_used_codes}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {totp_users} (app_id, user_id) ON DELETE CASCADE,
    CONSTRAINT {name totp_used_codes}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS totp_used_codes_user_id_index ON {totp_used_codes} (app_id, user_id);
CREATE INDEX IF NOT EXISTS totp_used_codes_expiry_time_ms_index ON {totp_used_codes} (app_id, tenant_id, expiry_time_ms);

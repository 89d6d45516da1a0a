-- The ways in which users log in. Which of these tables are written depends on the migration mode; on SQLite only those of the recipes
-- and the last three. Upstream's indexes of apps and of tenants alone are left out, as on other large tables.
CREATE INDEX IF NOT EXISTS app_id_to_user_id_pagination_index1
    ON {app_id_to_user_id} (app_id, primary_or_recipe_user_time_joined DESC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_pagination_index2
    ON {app_id_to_user_id} (app_id, primary_or_recipe_user_time_joined ASC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_pagination_index1
    ON {all_auth_recipe_users} (app_id, tenant_id, primary_or_recipe_user_time_joined DESC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_pagination_index2
    ON {all_auth_recipe_users} (app_id, tenant_id, primary_or_recipe_user_time_joined ASC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_primary_user_id_index ON {all_auth_recipe_users} (primary_or_recipe_user_id, app_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_user_id_app_id_index ON {all_auth_recipe_users} (app_id, user_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_recipe_id_index ON {all_auth_recipe_users} (app_id, recipe_id, tenant_id);

CREATE TABLE IF NOT EXISTS {emailpassword_users} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256) NOT NULL,
    password_hash VARCHAR(256) NOT NULL,
    time_joined BIGINT NOT NULL,
    CONSTRAINT {name emailpassword_users}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name emailpassword_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailpassword_users_email_index ON {emailpassword_users} (app_id, email);

CREATE TABLE IF NOT EXISTS {emailpassword_user_to_tenant} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256) NOT NULL,
    CONSTRAINT {name emailpassword_user_to_tenant}_email_key UNIQUE (app_id, tenant_id, email),
    CONSTRAINT {name emailpassword_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
    CONSTRAINT {name emailpassword_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
        REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS {emailpassword_pswd_reset_tokens} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    token VARCHAR(128) NOT NULL CONSTRAINT {name emailpassword_pswd_reset_tokens}_token_key UNIQUE,
    email VARCHAR(256),
    token_expiry BIGINT NOT NULL,
    CONSTRAINT {name emailpassword_pswd_reset_tokens}_pkey PRIMARY KEY (app_id, user_id, token),
    CONSTRAINT {name emailpassword_pswd_reset_tokens}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailpassword_password_reset_token_expiry_index ON {emailpassword_pswd_reset_tokens} (token_expiry);

CREATE TABLE IF NOT EXISTS {thirdparty_users} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    third_party_id VARCHAR(28) NOT NULL,
    third_party_user_id VARCHAR(256) NOT NULL,
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256) NOT NULL,
    time_joined BIGINT NOT NULL,
    CONSTRAINT {name thirdparty_users}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name thirdparty_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS thirdparty_users_email_index ON {thirdparty_users} (app_id, email);
CREATE INDEX IF NOT EXISTS thirdparty_users_thirdparty_user_id_index
    ON {thirdparty_users} (app_id, third_party_id, third_party_user_id);

CREATE TABLE IF NOT EXISTS {thirdparty_user_to_tenant} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    third_party_id VARCHAR(28) NOT NULL,
    third_party_user_id VARCHAR(256) NOT NULL,
    CONSTRAINT {name thirdparty_user_to_tenant}_third_party_user_id_key
        UNIQUE (app_id, tenant_id, third_party_id, third_party_user_id),
    CONSTRAINT {name thirdparty_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
    CONSTRAINT {name thirdparty_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
        REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS {passwordless_users} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256),
    phone_number VARCHAR(256),
    time_joined BIGINT NOT NULL,
    CONSTRAINT {name passwordless_users}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name passwordless_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_users_email_index ON {passwordless_users} (app_id, email);
CREATE INDEX IF NOT EXISTS passwordless_users_phone_number_index ON {passwordless_users} (app_id, phone_number);

CREATE TABLE IF NOT EXISTS {passwordless_user_to_tenant} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256),
    phone_number VARCHAR(256),
    CONSTRAINT {name passwordless_user_to_tenant}_email_key UNIQUE (app_id, tenant_id, email),
    CONSTRAINT {name passwordless_user_to_tenant}_phone_number_key UNIQUE (app_id, tenant_id, phone_number),
    CONSTRAINT {name passwordless_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
    CONSTRAINT {name passwordless_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
        REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS {webauthn_users} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256) NOT NULL,
    rp_id VARCHAR(256) NOT NULL,
    time_joined BIGINT NOT NULL,
    CONSTRAINT {name webauthn_users}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name webauthn_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
-- Not upstream's: who owns an address is asked of the whole app, and a user may be in no tenant.
CREATE INDEX IF NOT EXISTS st_rs_webauthn_users_email_index ON {webauthn_users} (app_id, email);

CREATE TABLE IF NOT EXISTS {webauthn_user_to_tenant} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    email VARCHAR(256) NOT NULL,
    CONSTRAINT {name webauthn_user_to_tenant}_email_key UNIQUE (app_id, tenant_id, email),
    CONSTRAINT {name webauthn_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
    CONSTRAINT {name webauthn_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
        REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS webauthn_user_to_tenant_email_index ON {webauthn_user_to_tenant} (app_id, email);

CREATE TABLE IF NOT EXISTS {recipe_user_account_infos} (
    app_id VARCHAR(64) NOT NULL,
    recipe_user_id CHAR(36) NOT NULL,
    recipe_id VARCHAR(128) NOT NULL,
    account_info_type VARCHAR(8) NOT NULL,
    account_info_value TEXT NOT NULL,
    third_party_id VARCHAR(28) NOT NULL,
    third_party_user_id VARCHAR(256) NOT NULL,
    primary_user_id CHAR(36),
    CONSTRAINT {name recipe_user_account_infos}_pkey
        PRIMARY KEY (app_id, recipe_id, recipe_user_id, account_info_type, third_party_id, third_party_user_id),
    CONSTRAINT {name recipe_user_account_infos}_tenant_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_recipe_user_account_infos_app_recipe_user ON {recipe_user_account_infos} (app_id, recipe_user_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_account_infos_app_primary_user ON {recipe_user_account_infos} (app_id, primary_user_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_account_infos_account_info
    ON {recipe_user_account_infos} (app_id, account_info_type, account_info_value);

CREATE TABLE IF NOT EXISTS {recipe_user_tenants} (
    app_id VARCHAR(64) NOT NULL,
    recipe_user_id CHAR(36) NOT NULL,
    tenant_id VARCHAR(64) NOT NULL,
    recipe_id VARCHAR(128) NOT NULL,
    account_info_type VARCHAR(8) NOT NULL,
    account_info_value TEXT NOT NULL,
    third_party_id VARCHAR(28) NOT NULL,
    third_party_user_id VARCHAR(256) NOT NULL,
    CONSTRAINT {name recipe_user_tenants}_pkey
        PRIMARY KEY (app_id, tenant_id, recipe_id, account_info_type, third_party_id, third_party_user_id, account_info_value),
    CONSTRAINT {name recipe_user_tenants}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_recipe_user_id ON {recipe_user_tenants} (app_id, recipe_user_id);
-- sqlite:
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_account_info
    ON {recipe_user_tenants} (app_id, tenant_id, account_info_type, account_info_value);
-- postgres:
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_account_info_pattern
    ON {recipe_user_tenants} (app_id, tenant_id, account_info_type, account_info_value text_pattern_ops);
-- both:

CREATE TABLE IF NOT EXISTS {primary_user_tenants} (
    app_id VARCHAR(64) NOT NULL,
    tenant_id VARCHAR(64) NOT NULL,
    account_info_type VARCHAR(8) NOT NULL,
    account_info_value TEXT NOT NULL,
    primary_user_id CHAR(36) NOT NULL,
    CONSTRAINT {name primary_user_tenants}_pkey PRIMARY KEY (app_id, tenant_id, account_info_type, account_info_value),
    CONSTRAINT {name primary_user_tenants}_app_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_primary_user_tenants_primary ON {primary_user_tenants} (primary_user_id);

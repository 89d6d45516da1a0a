-- Sessions and the keys that sign their tokens.
CREATE TABLE IF NOT EXISTS {session_info} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    session_handle VARCHAR(255) NOT NULL,
    user_id VARCHAR(128) NOT NULL,
    refresh_token_hash_2 VARCHAR(128) NOT NULL,
    session_data TEXT,
    expires_at BIGINT NOT NULL,
    created_at_time BIGINT NOT NULL,
    jwt_user_payload TEXT,
    use_static_key BOOLEAN NOT NULL,
    prev_refresh_token_hash_2 VARCHAR(128),
    refresh_token_rotated_at BIGINT,
    CONSTRAINT {name session_info}_pkey PRIMARY KEY (app_id, tenant_id, session_handle),
    CONSTRAINT {name session_info}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
-- The Java core added these two in 12.1.
ALTER TABLE {session_info} ADD COLUMN IF NOT EXISTS prev_refresh_token_hash_2 VARCHAR(128);
ALTER TABLE {session_info} ADD COLUMN IF NOT EXISTS refresh_token_rotated_at BIGINT;
CREATE INDEX IF NOT EXISTS session_expiry_index ON {session_info} (expires_at);
CREATE INDEX IF NOT EXISTS session_info_user_id_app_id_index ON {session_info} (user_id, app_id);
-- Upstream's third index, session_info_tenant_id_index (app_id, tenant_id), is left out here and its like on other large tables:
-- the primary key begins with the same columns, and as long as a table has not been analyzed, PostgreSQL prefers the smaller index
-- and so reads the sessions of the whole tenant to find one.

CREATE TABLE IF NOT EXISTS {session_access_token_signing_keys} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    created_at_time BIGINT NOT NULL,
    value TEXT,
    CONSTRAINT {name session_access_token_signing_keys}_pkey PRIMARY KEY (app_id, created_at_time),
    CONSTRAINT {name session_access_token_signing_keys}_app_id_fkey FOREIGN KEY (app_id)
        REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS access_token_signing_keys_app_id_index ON {session_access_token_signing_keys} (app_id);

CREATE TABLE IF NOT EXISTS {jwt_signing_keys} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    key_id VARCHAR(255) NOT NULL,
    key_string TEXT NOT NULL,
    algorithm VARCHAR(10) NOT NULL,
    created_at BIGINT,
    CONSTRAINT {name jwt_signing_keys}_pkey PRIMARY KEY (app_id, key_id),
    CONSTRAINT {name jwt_signing_keys}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS jwt_signing_keys_app_id_index ON {jwt_signing_keys} (app_id);

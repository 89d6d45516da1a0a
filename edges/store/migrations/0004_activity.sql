CREATE TABLE IF NOT EXISTS {user_last_active} (
    app_id VARCHAR(64) DEFAULT 'public',
    user_id VARCHAR(128),
    last_active_time BIGINT,
    CONSTRAINT {name user_last_active}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name user_last_active}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_last_active_last_active_time_index ON {user_last_active} (last_active_time DESC, app_id DESC);

-- sqlite:
CREATE TABLE IF NOT EXISTS {activity_log} (
    id INTEGER PRIMARY KEY,
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    recipe_user_id VARCHAR(128),
    primary_or_recipe_user_id VARCHAR(128),
    event_type VARCHAR(64) NOT NULL,
    status VARCHAR(128),
    auth_principal VARCHAR(256),
    identifier VARCHAR(256),
    created_at BIGINT NOT NULL,
    payload TEXT
);
CREATE INDEX IF NOT EXISTS activity_log_created_at ON {activity_log} (created_at);
-- postgres:
CREATE TABLE IF NOT EXISTS {activity_log} (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    recipe_user_id VARCHAR(128),
    primary_or_recipe_user_id VARCHAR(128),
    event_type VARCHAR(64) NOT NULL,
    status VARCHAR(128),
    auth_principal VARCHAR(256),
    identifier VARCHAR(256),
    created_at BIGINT NOT NULL,
    payload TEXT
) PARTITION BY RANGE (created_at);
CREATE TABLE IF NOT EXISTS {activity_log}_default PARTITION OF {activity_log} DEFAULT;
CREATE INDEX IF NOT EXISTS activity_log_created_at_brin ON {activity_log} USING brin (created_at);

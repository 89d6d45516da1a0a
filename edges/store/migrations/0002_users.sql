-- Which users there are, and under which other ids they are known.
CREATE TABLE IF NOT EXISTS {app_id_to_user_id} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    recipe_id VARCHAR(128) NOT NULL,
    primary_or_recipe_user_id CHAR(36) NOT NULL,
    is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE,
    time_joined BIGINT NOT NULL DEFAULT 0,
    primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT {name app_id_to_user_id}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name app_id_to_user_id}_primary_or_recipe_user_id_fkey FOREIGN KEY (app_id, primary_or_recipe_user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT {name app_id_to_user_id}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);
ALTER TABLE {app_id_to_user_id} ADD COLUMN IF NOT EXISTS is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE {app_id_to_user_id} ADD COLUMN IF NOT EXISTS time_joined BIGINT NOT NULL DEFAULT 0;
ALTER TABLE {app_id_to_user_id} ADD COLUMN IF NOT EXISTS primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS app_id_to_user_id_primary_user_id_index ON {app_id_to_user_id} (primary_or_recipe_user_id, app_id);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_user_id_index ON {app_id_to_user_id} (user_id, app_id);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_linked_flag_index
    ON {app_id_to_user_id} (app_id, user_id, is_linked_or_is_a_primary_user);

CREATE TABLE IF NOT EXISTS {all_auth_recipe_users} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id CHAR(36) NOT NULL,
    primary_or_recipe_user_id CHAR(36) NOT NULL,
    is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE,
    recipe_id VARCHAR(128) NOT NULL,
    time_joined BIGINT NOT NULL,
    primary_or_recipe_user_time_joined BIGINT NOT NULL,
    CONSTRAINT {name all_auth_recipe_users}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
    CONSTRAINT {name all_auth_recipe_users}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT {name all_auth_recipe_users}_primary_or_recipe_user_id_fkey FOREIGN KEY (app_id, primary_or_recipe_user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT {name all_auth_recipe_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS {userid_mapping} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    supertokens_user_id CHAR(36) NOT NULL,
    external_user_id VARCHAR(128) NOT NULL,
    external_user_id_info TEXT,
    CONSTRAINT {name userid_mapping}_pkey PRIMARY KEY (app_id, supertokens_user_id, external_user_id),
    CONSTRAINT {name userid_mapping}_supertokens_user_id_key UNIQUE (app_id, supertokens_user_id),
    CONSTRAINT {name userid_mapping}_external_user_id_key UNIQUE (app_id, external_user_id),
    CONSTRAINT {name userid_mapping}_supertokens_user_id_fkey FOREIGN KEY (app_id, supertokens_user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS userid_mapping_supertokens_user_id_index ON {userid_mapping} (app_id, supertokens_user_id);

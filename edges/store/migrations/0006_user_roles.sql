-- Roles and what they permit, for a whole app; and who has them, in each tenant. No key ties what users have to the roles: upstream keeps
-- the two in different databases where tenants have their own.
CREATE TABLE IF NOT EXISTS {roles} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    role VARCHAR(255) NOT NULL,
    CONSTRAINT {name roles}_pkey PRIMARY KEY (app_id, role),
    CONSTRAINT {name roles}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS roles_app_id_index ON {roles} (app_id);

CREATE TABLE IF NOT EXISTS {role_permissions} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    role VARCHAR(255) NOT NULL,
    permission VARCHAR(255) NOT NULL,
    CONSTRAINT {name role_permissions}_pkey PRIMARY KEY (app_id, role, permission),
    CONSTRAINT {name role_permissions}_role_fkey FOREIGN KEY (app_id, role) REFERENCES {roles} (app_id, role) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS role_permissions_role_index ON {role_permissions} (app_id, role);
CREATE INDEX IF NOT EXISTS role_permissions_permission_index ON {role_permissions} (app_id, permission);

-- Upstream's index of tenants alone is left out, as on other large tables.
CREATE TABLE IF NOT EXISTS {user_roles} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    role VARCHAR(255) NOT NULL,
    CONSTRAINT {name user_roles}_pkey PRIMARY KEY (app_id, tenant_id, user_id, role),
    CONSTRAINT {name user_roles}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_roles_role_index ON {user_roles} (app_id, tenant_id, role);
CREATE INDEX IF NOT EXISTS user_roles_app_id_role_index ON {user_roles} (app_id, role);
CREATE INDEX IF NOT EXISTS user_roles_app_id_user_id_index ON {user_roles} (app_id, user_id);

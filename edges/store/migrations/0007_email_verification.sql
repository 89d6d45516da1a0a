-- Which addresses were shown to be somebody's, and the tokens that show it. A user here is any text. Upstream's indexes of apps and of
-- tenants alone are left out, as on other large tables.
CREATE TABLE IF NOT EXISTS {emailverification_verified_emails} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    email VARCHAR(256) NOT NULL,
    CONSTRAINT {name emailverification_verified_emails}_pkey PRIMARY KEY (app_id, user_id, email),
    CONSTRAINT {name emailverification_verified_emails}_app_id_fkey FOREIGN KEY (app_id)
        REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailverification_verified_emails_app_id_email_index
    ON {emailverification_verified_emails} (app_id, email);

CREATE TABLE IF NOT EXISTS {emailverification_tokens} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    email VARCHAR(256) NOT NULL,
    token VARCHAR(128) NOT NULL CONSTRAINT {name emailverification_tokens}_token_key UNIQUE,
    token_expiry BIGINT NOT NULL,
    CONSTRAINT {name emailverification_tokens}_pkey PRIMARY KEY (app_id, tenant_id, user_id, email, token),
    CONSTRAINT {name emailverification_tokens}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
        REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailverification_tokens_index ON {emailverification_tokens} (token_expiry);

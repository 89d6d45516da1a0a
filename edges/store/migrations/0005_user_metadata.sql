-- What an application keeps about its users. Upstream's index of apps alone is left out, as on other large tables.
CREATE TABLE IF NOT EXISTS {user_metadata} (
    app_id VARCHAR(64) NOT NULL DEFAULT 'public',
    user_id VARCHAR(128) NOT NULL,
    user_metadata TEXT NOT NULL,
    CONSTRAINT {name user_metadata}_pkey PRIMARY KEY (app_id, user_id),
    CONSTRAINT {name user_metadata}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);

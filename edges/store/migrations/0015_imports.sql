-- How far files have been imported, by what they begin with and how long they are: written together with their users.
CREATE TABLE IF NOT EXISTS {st_rs_imports} (
    app_id VARCHAR(64) NOT NULL,
    source VARCHAR(64) NOT NULL,
    position BIGINT NOT NULL,
    line BIGINT NOT NULL,
    imported BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT {name st_rs_imports}_pkey PRIMARY KEY (app_id, source),
    CONSTRAINT {name st_rs_imports}_app_id_fkey FOREIGN KEY (app_id) REFERENCES {apps} (app_id) ON DELETE CASCADE
);

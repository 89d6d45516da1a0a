//! A database that the Java core made is completed, not rewritten, and its sessions go on (decisions 4 and 5).

use supertokens_domain::ids::AppId;
use supertokens_store::{Db, RotationColumns};

use crate::world::{Kind, Outcome, World, handle, public, steps, tests};

tests! {
    a_database_of_the_java_core_11_is_taken_over on &[Kind::Postgres],
    a_database_of_the_java_core_12_is_taken_over on &[Kind::Postgres],
}

/// What both had, without indexes and the tables that we do not read.
const COMMON: &str = "
    DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE apps (app_id VARCHAR(64) NOT NULL DEFAULT 'public', created_at_time BIGINT,
        CONSTRAINT apps_pkey PRIMARY KEY (app_id));
    CREATE TABLE tenants (app_id VARCHAR(64) NOT NULL DEFAULT 'public', tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
        created_at_time BIGINT, CONSTRAINT tenants_pkey PRIMARY KEY (app_id, tenant_id),
        CONSTRAINT tenants_app_id_fkey FOREIGN KEY (app_id) REFERENCES apps (app_id) ON DELETE CASCADE);
    CREATE INDEX tenants_app_id_index ON tenants (app_id);
    CREATE TABLE tenant_configs (connection_uri_domain VARCHAR(256) DEFAULT '', app_id VARCHAR(64) DEFAULT 'public',
        tenant_id VARCHAR(64) DEFAULT 'public', core_config TEXT, email_password_enabled BOOLEAN, passwordless_enabled BOOLEAN,
        third_party_enabled BOOLEAN, is_first_factors_null BOOLEAN,
        CONSTRAINT tenant_configs_pkey PRIMARY KEY (connection_uri_domain, app_id, tenant_id));
    CREATE TABLE key_value (app_id VARCHAR(64) DEFAULT 'public', tenant_id VARCHAR(64) DEFAULT 'public', name VARCHAR(128),
        value TEXT, created_at_time BIGINT, CONSTRAINT key_value_pkey PRIMARY KEY (app_id, tenant_id, name),
        CONSTRAINT key_value_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
            REFERENCES tenants (app_id, tenant_id) ON DELETE CASCADE);
    CREATE TABLE session_info (app_id VARCHAR(64) DEFAULT 'public', tenant_id VARCHAR(64) DEFAULT 'public',
        session_handle VARCHAR(255) NOT NULL, user_id VARCHAR(128) NOT NULL, refresh_token_hash_2 VARCHAR(128) NOT NULL,
        session_data TEXT, expires_at BIGINT NOT NULL, created_at_time BIGINT NOT NULL, jwt_user_payload TEXT,
        use_static_key BOOLEAN NOT NULL, CONSTRAINT session_info_pkey PRIMARY KEY (app_id, tenant_id, session_handle),
        CONSTRAINT session_info_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
            REFERENCES tenants (app_id, tenant_id) ON DELETE CASCADE);
    CREATE INDEX session_expiry_index ON session_info (expires_at);
    CREATE TABLE session_access_token_signing_keys (app_id VARCHAR(64) DEFAULT 'public', created_at_time BIGINT NOT NULL,
        value TEXT, CONSTRAINT session_access_token_signing_keys_pkey PRIMARY KEY (app_id, created_at_time),
        CONSTRAINT session_access_token_signing_keys_app_id_fkey FOREIGN KEY (app_id)
            REFERENCES apps (app_id) ON DELETE CASCADE);
    CREATE TABLE app_id_to_user_id (app_id VARCHAR(64) NOT NULL DEFAULT 'public', user_id CHAR(36) NOT NULL,
        recipe_id VARCHAR(128) NOT NULL, primary_or_recipe_user_id CHAR(36) NOT NULL,
        is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE,
        CONSTRAINT app_id_to_user_id_pkey PRIMARY KEY (app_id, user_id),
        CONSTRAINT app_id_to_user_id_primary_or_recipe_user_id_fkey FOREIGN KEY (app_id, primary_or_recipe_user_id)
            REFERENCES app_id_to_user_id (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE,
        CONSTRAINT app_id_to_user_id_app_id_fkey FOREIGN KEY (app_id) REFERENCES apps (app_id) ON DELETE CASCADE);
    INSERT INTO apps VALUES ('public', 1);
    INSERT INTO tenants VALUES ('public', 'public', 1);
    INSERT INTO tenant_configs VALUES ('', 'public', 'public', '{}', TRUE, TRUE, TRUE, TRUE);
    INSERT INTO app_id_to_user_id (user_id, recipe_id, primary_or_recipe_user_id)
        VALUES ('00000000-0000-4000-8000-00000000000a', 'emailpassword', '00000000-0000-4000-8000-00000000000a');
    INSERT INTO session_access_token_signing_keys VALUES ('public', 10, 'half|half');
    INSERT INTO key_value VALUES ('public', 'public', 'refresh_token_key', 'master', 1);
    INSERT INTO session_info (session_handle, user_id, refresh_token_hash_2, session_data, expires_at, created_at_time,
        jwt_user_payload, use_static_key)
        VALUES ('h', '00000000-0000-4000-8000-00000000000a', 'before', '{}', 5000, 1, '{\"a\":1.0}', FALSE);";

/// What 12.1 added.
const ADDED: &str = "
    ALTER TABLE session_info ADD COLUMN prev_refresh_token_hash_2 VARCHAR(128), ADD COLUMN refresh_token_rotated_at BIGINT;
    ALTER TABLE app_id_to_user_id ADD COLUMN time_joined BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0;
    CREATE TABLE activity_log (id BIGINT GENERATED ALWAYS AS IDENTITY, app_id VARCHAR(64) NOT NULL DEFAULT 'public',
        tenant_id VARCHAR(64) NOT NULL DEFAULT 'public', recipe_user_id VARCHAR(128), primary_or_recipe_user_id VARCHAR(128),
        event_type VARCHAR(64) NOT NULL, status VARCHAR(128), auth_principal VARCHAR(256), identifier VARCHAR(256),
        created_at BIGINT NOT NULL, payload TEXT) PARTITION BY RANGE (created_at);
    CREATE TABLE activity_log_default PARTITION OF activity_log DEFAULT;
    CREATE TABLE activity_log_p197001 PARTITION OF activity_log FOR VALUES FROM (0) TO (2678400000);
    CREATE INDEX activity_log_created_at_brin ON activity_log USING BRIN (created_at);
    UPDATE session_info SET prev_refresh_token_hash_2 = 'earlier', refresh_token_rotated_at = 7;";

async fn a_database_of_the_java_core_11_is_taken_over(w: &World) -> Outcome {
    w.raw(COMMON).await?;
    goes_on(w, None).await
}

async fn a_database_of_the_java_core_12_is_taken_over(w: &World) -> Outcome {
    w.raw(COMMON).await?;
    w.raw(ADDED).await?;
    goes_on(w, Some("earlier")).await
}

async fn goes_on(w: &World, prev: Option<&str>) -> Outcome {
    let db = Db::open(w.options.clone()).await?;
    assert_eq!(db.migrate().await?.len(), steps().await?);
    db.prepare_all().await?;
    db.ensure_activity_partitions(0).await?;
    let row = db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h")).await).await?.unwrap();
    assert_eq!((row.refresh_token_hash_2.as_str(), row.prev_refresh_token_hash_2.as_deref()), ("before", prev));
    assert_eq!(row.refresh_token_rotated_at, prev.map(|_| 7));
    assert_eq!((row.jwt_user_payload.as_str(), row.user_id), (r#"{"a":1.0}"#, row.primary_user_id));
    db.tx(async |tx| {
        tx.session_locked(&AppId::default(), &public(), &handle("h")).await?;
        let to = RotationColumns {
            current_hash2: "after".into(),
            prev_hash2: Some("before".into()),
            rotated_at: Some(9),
            expires_at: 6000,
            use_static_key: false,
        };
        tx.rotate_session(&AppId::default(), &public(), &handle("h"), &to).await
    })
    .await?;
    let kept = db.read(async |tx| {
        let (app, tenant) = (AppId::default(), public());
        Ok((tx.dynamic_keys(&app).await?, tx.key_value(&app, &tenant, "refresh_token_key").await?, tx.tenants().await?))
    });
    let (keys, key, tenants) = kept.await?;
    assert_eq!((keys.len(), key.map(|row| row.value).as_deref(), tenants.len()), (1, Some("master"), 1));
    // What is ours alone can be told by its name; all else the Java core knows.
    let strangers = "SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname LIKE 'st\\_rs\\_%'";
    // What has been migrated, what passkeys may be made of, and how far files of users have been imported.
    assert_eq!(w.number(strangers).await, 3);
    Ok(())
}

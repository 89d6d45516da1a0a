//! What each method reads and writes.

use std::collections::BTreeSet;

use supertokens_domain::ids::{AppId, AppIdentifier, ConnectionUriDomain, TenantId, TenantIdentifier};
use supertokens_store::{
    ActivityRow, ClientRecord, JoinOrder, Key, ProviderRecord, ResolvedUser, RotationColumns, StoreError, TenantRecord,
    UserInfoMap, UserPage, UserPlace,
};

use crate::world::{ALL, Kind, OPEN, Outcome, World, a_session, handle, public, tests};

tests! {
    every_statement_is_understood on ALL,
    a_session_is_stored_rotated_and_deleted on ALL,
    payloads_change_only_before_the_end on ALL,
    sessions_are_deleted_by_handle_and_by_user on ALL,
    expired_sessions_are_swept on ALL,
    users_are_resolved_both_ways on OPEN,
    linked_users_share_their_sessions on OPEN,
    keys_are_kept_newest_first on ALL,
    values_are_kept_by_name on ALL,
    a_tenant_reads_back_as_it_was_saved on ALL,
    removal_takes_along_what_belongs on ALL,
    activity_is_marked_and_counted on ALL,
    old_activity_is_dropped on OPEN,
    users_are_counted_and_listed on &[Kind::Postgres],
}

async fn every_statement_is_understood(w: &World) -> Outcome {
    assert!(w.db.prepare_all().await? > 50);
    Ok(())
}

async fn a_session_is_stored_rotated_and_deleted(w: &World) -> Outcome {
    let app = w.with_base().await?;
    w.db.tx(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h1", "u1")).await).await?;
    let row = w.db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h1")).await).await?.unwrap();
    assert_eq!((row.user_id.as_str(), row.primary_user_id.as_str()), ("u1", "u1"));
    assert_eq!((row.refresh_token_hash_2.as_str(), row.expires_at, row.created_at_time), ("hash-0", 5000, 1000));
    assert_eq!((row.session_data.as_str(), row.jwt_user_payload.as_str()), (r#"{"in":"db"}"#, r#"{"in":"jwt"}"#));
    assert_eq!((row.use_static_key, row.prev_refresh_token_hash_2, row.refresh_token_rotated_at), (false, None, None));
    let again = w.db.tx(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h1", "u1")).await).await;
    assert!(matches!(again, Err(StoreError::Duplicate(Key { table, .. })) if table == "session_info"));
    let orphan =
        w.db.tx(async |tx| tx.insert_session(&AppId::normalise("nowhere"), &public(), &a_session("h2", "u1")).await).await;
    assert!(matches!(orphan, Err(StoreError::MissingParent(_))));
    let app2 = app.clone();
    w.db.tx(async move |tx| {
        let locked = tx.session_locked(&app2, &public(), &handle("h1")).await?.unwrap();
        assert_eq!((locked.resolved_user_id.as_str(), locked.last_active_id.as_str()), ("u1", "u1"));
        let to = RotationColumns {
            current_hash2: "hash-1".into(),
            prev_hash2: Some(locked.session.refresh_token_hash_2),
            rotated_at: Some(2000),
            expires_at: 6000,
            use_static_key: true,
        };
        tx.rotate_session(&app2, &public(), &handle("h1"), &to).await
    })
    .await?;
    let row = w.db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h1")).await).await?.unwrap();
    assert_eq!((row.refresh_token_hash_2.as_str(), row.prev_refresh_token_hash_2.as_deref()), ("hash-1", Some("hash-0")));
    assert_eq!((row.refresh_token_rotated_at, row.expires_at, row.use_static_key), (Some(2000), 6000, true));
    let app2 = app.clone();
    w.db.tx(async move |tx| tx.set_use_static_key(&app2, &public(), &handle("h1"), false).await).await?;
    let kept = w.db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h1")).await).await?.unwrap();
    assert_eq!(kept, supertokens_store::SessionRow { use_static_key: false, ..row });
    w.db.tx(async move |tx| tx.delete_session(&app, &public(), &handle("h1")).await).await?;
    assert_eq!(w.db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h1")).await).await?, None);
    assert_eq!(w.db.tx(async |tx| tx.session_locked(&AppId::default(), &public(), &handle("h1")).await).await?, None);
    Ok(())
}

async fn payloads_change_only_before_the_end(w: &World) -> Outcome {
    w.with_base().await?;
    w.db.tx(async |tx| tx.insert_session(&AppId::default(), &public(), &a_session("h1", "u1")).await).await?;
    for (now, changes) in [(4999, true), (5000, false)] {
        let text = format!(r#"{{"now":{now}}}"#);
        let (data, payload) = (text.clone(), text.clone());
        let one =
            w.db.single(async move |tx| tx.update_session_data(&AppId::default(), &public(), &handle("h1"), &data, now).await);
        assert_eq!(one.await?, changes);
        let two =
            w.db.single(async move |tx| tx.update_jwt_payload(&AppId::default(), &public(), &handle("h1"), &payload, now).await);
        assert_eq!(two.await?, changes);
    }
    let row = w.db.read(async |tx| tx.session(&AppId::default(), &public(), &handle("h1")).await).await?.unwrap();
    assert_eq!((row.session_data.as_str(), row.jwt_user_payload.as_str()), (r#"{"now":4999}"#, r#"{"now":4999}"#));
    Ok(())
}

async fn two_tenants_with_sessions(w: &World) -> Outcome {
    w.with_base().await?;
    w.db.tx(async |tx| {
        let (app, t1) = (AppId::default(), TenantId::normalise("t1"));
        tx.insert_app_and_tenant(&app, &t1, 1).await?;
        tx.insert_session(&app, &public(), &a_session("a", "u1")).await?;
        tx.insert_session(&app, &public(), &a_session("b", "u2")).await?;
        tx.insert_session(&app, &t1, &a_session("c_t1", "u1")).await?;
        let ended = supertokens_store::NewSession { expires_at: 1999, ..a_session("d", "u1") };
        tx.insert_session(&app, &public(), &ended).await
    })
    .await?;
    Ok(())
}

fn set(handles: Vec<String>) -> BTreeSet<String> {
    handles.into_iter().collect()
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

async fn sessions_are_deleted_by_handle_and_by_user(w: &World) -> Outcome {
    two_tenants_with_sessions(w).await?;
    let of = async |tenant: Option<&'static str>, user: &'static str| {
        w.db.read(async move |tx| {
            let tenant = tenant.map(TenantId::normalise);
            tx.session_handles_of_user(&AppId::default(), tenant.as_ref(), user, true, 2000).await
        })
        .await
        .map(set)
    };
    assert_eq!(of(None, "u1").await?, names(&["a", "c_t1"]));
    assert_eq!(of(Some("t1"), "u1").await?, names(&["c_t1"]));
    assert_eq!(of(None, "nobody").await?, names(&[]));
    let gone = w.db.single(async |tx| {
        let t1 = TenantId::normalise("t1");
        // One of a tenant it is not in, one that does not exist, one twice.
        let pairs = [(t1, handle("b")), (public(), handle("x")), (public(), handle("a")), (public(), handle("a"))];
        tx.delete_sessions(&AppId::default(), &pairs).await
    });
    assert_eq!(gone.await?, ["a"]);
    assert_eq!(w.db.single(async |tx| tx.delete_sessions(&AppId::default(), &[]).await).await?, Vec::<String>::new());
    let gone = w.db.single(async |tx| tx.delete_sessions_of_user(&AppId::default(), None, "u1", false, 2000).await);
    assert_eq!(gone.await?, ["c_t1"]);
    assert_eq!(of(None, "u2").await?, names(&["b"]));
    Ok(())
}

async fn expired_sessions_are_swept(w: &World) -> Outcome {
    two_tenants_with_sessions(w).await?;
    assert_eq!(w.db.single(async |tx| tx.delete_expired_sessions(1998, 9).await).await?, 0);
    assert_eq!(w.db.single(async |tx| tx.delete_expired_sessions(1999, 9).await).await?, 1);
    assert_eq!(w.db.single(async |tx| tx.delete_expired_sessions(5000, 2).await).await?, 2);
    assert_eq!(w.db.single(async |tx| tx.delete_expired_sessions(5000, 2).await).await?, 1);
    Ok(())
}

const P: &str = "00000000-0000-4000-8000-00000000000a";
const R: &str = "00000000-0000-4000-8000-00000000000b";

/// `R` is linked to `P`; `P` is known as `ext-p`, `R` as `ext-r`.
async fn linked_and_mapped(w: &World) -> Outcome {
    w.with_base().await?;
    w.raw(&format!(
        "INSERT INTO app_id_to_user_id (user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user)
             VALUES ('{P}', 'emailpassword', '{P}', TRUE), ('{R}', 'thirdparty', '{P}', TRUE);
         INSERT INTO all_auth_recipe_users (user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user,
             time_joined, primary_or_recipe_user_time_joined)
             VALUES ('{P}', 'emailpassword', '{P}', TRUE, 10, 10), ('{R}', 'thirdparty', '{P}', TRUE, 20, 10);
         INSERT INTO userid_mapping (supertokens_user_id, external_user_id) VALUES ('{P}', 'ext-p'), ('{R}', 'ext-r');"
    ))
    .await
}

async fn users_are_resolved_both_ways(w: &World) -> Outcome {
    linked_and_mapped(w).await?;
    let resolve = async |id: &'static str| w.db.read(async move |tx| tx.resolve_user(&AppId::default(), id).await).await;
    let user = |primary: &str, recipe: &str, last: &str| ResolvedUser {
        primary: primary.into(),
        recipe: recipe.into(),
        last_active_id: last.into(),
    };
    assert_eq!(resolve(R).await?, user("ext-p", "ext-r", P));
    assert_eq!(resolve("ext-r").await?, user("ext-p", "ext-r", P));
    assert_eq!(resolve(P).await?, user("ext-p", "ext-p", P));
    assert_eq!(resolve("anybody").await?, user("anybody", "anybody", "anybody"));
    // Longer than any SuperTokens id, and beginning with one.
    const LONGER: &str = "00000000-0000-4000-8000-00000000000bXYZ";
    const WITH_BLANK: &str = "00000000-0000-4000-8000-00000000000b ";
    for other in [LONGER, WITH_BLANK] {
        assert_eq!(resolve(other).await?, user(other, other, other));
    }
    let locked = async |at: &'static str, user: &'static str| {
        w.db.tx(async move |tx| {
            tx.insert_session(&AppId::default(), &public(), &a_session(at, user)).await?;
            tx.session_locked(&AppId::default(), &public(), &handle(at)).await
        })
        .await
        .map(Option::unwrap)
    };
    for (at, user, resolved, last, primary) in [
        ("s1", "ext-r", "ext-p", P, "ext-r"),
        ("s2", R, "ext-p", P, P),
        ("s3", "anybody", "anybody", "anybody", "anybody"),
        ("s4", WITH_BLANK, WITH_BLANK, WITH_BLANK, WITH_BLANK),
    ] {
        let session = locked(at, user).await?;
        assert_eq!((session.resolved_user_id.as_str(), session.last_active_id.as_str()), (resolved, last), "{user}");
        assert_eq!(session.session.primary_user_id, primary, "{user}");
        let read = w.db.read(async move |tx| tx.session(&AppId::default(), &public(), &handle(at)).await).await?;
        assert_eq!(read.unwrap(), session.session);
    }
    Ok(())
}

async fn linked_users_share_their_sessions(w: &World) -> Outcome {
    linked_and_mapped(w).await?;
    w.db.tx(async |tx| {
        let app = AppId::default();
        tx.insert_session(&app, &public(), &a_session("of-p", P)).await?;
        tx.insert_session(&app, &public(), &a_session("of-r", R)).await?;
        tx.insert_session(&app, &public(), &a_session("of-ext", "ext-r")).await
    })
    .await?;
    let of = async |user: &'static str, linked| {
        w.db.read(async move |tx| tx.session_handles_of_user(&AppId::default(), None, user, linked, 2000).await).await.map(set)
    };
    assert_eq!(of(P, true).await?, names(&["of-p", "of-r"]));
    assert_eq!(of(R, true).await?, names(&["of-p", "of-r"]));
    assert_eq!(of(R, false).await?, names(&["of-r"]));
    assert_eq!(of("ext-r", true).await?, names(&["of-ext"]));
    let gone = w.db.single(async |tx| tx.delete_sessions_of_user(&AppId::default(), Some(&public()), R, true, 2000).await);
    assert_eq!(set(gone.await?), names(&["of-p", "of-r"]));
    Ok(())
}

async fn keys_are_kept_newest_first(w: &World) -> Outcome {
    w.with_base().await?;
    w.db.tx(async |tx| {
        let app = AppId::default();
        tx.advisory_lock("public~public~test").await?;
        tx.insert_dynamic_key(&app, 10, "old").await?;
        tx.insert_dynamic_key(&app, 20, "new").await?;
        tx.insert_static_key(&app, "s-1", "one", "RS256", 1).await?;
        tx.insert_static_key(&app, "s-2", "two", "RS256", 2).await
    })
    .await?;
    let dynamic = w.db.read(async |tx| tx.dynamic_keys(&AppId::default()).await).await?;
    let plain: Vec<_> = dynamic.iter().map(|key| (key.created_at, key.value.as_str())).collect();
    assert_eq!(plain, [(20, "new"), (10, "old")]);
    assert!(!format!("{dynamic:?}").contains("new"));
    assert_eq!(w.db.tx(async |tx| tx.dynamic_keys_locked(&AppId::default()).await).await?, dynamic);
    let fixed = w.db.read(async |tx| tx.static_keys(&AppId::default()).await).await?;
    let plain: Vec<_> = fixed.iter().map(|key| (key.key_id.as_str(), key.key_string.as_str(), key.created_at)).collect();
    assert_eq!(plain, [("s-2", "two", 2), ("s-1", "one", 1)]);
    assert_eq!(w.db.tx(async |tx| tx.static_keys_locked(&AppId::default()).await).await?, fixed);
    let twice = w.db.tx(async |tx| tx.insert_dynamic_key(&AppId::default(), 10, "x").await).await;
    assert!(matches!(twice, Err(StoreError::Duplicate(key)) if key.table == "session_access_token_signing_keys"));
    let orphan = w.db.tx(async |tx| tx.insert_static_key(&AppId::normalise("no"), "s-1", "x", "RS256", 1).await).await;
    assert!(matches!(orphan, Err(StoreError::MissingParent(_))));
    assert_eq!(w.db.single(async |tx| tx.delete_dynamic_keys_before(&AppId::default(), 20).await).await?, 1);
    assert_eq!(w.db.read(async |tx| tx.dynamic_keys(&AppId::default()).await).await?.len(), 1);
    Ok(())
}

async fn values_are_kept_by_name(w: &World) -> Outcome {
    w.with_base().await?;
    let value = async || w.db.read(async |tx| tx.key_value(&AppId::default(), &public(), "name").await).await;
    assert_eq!(value().await?, None);
    let insert = async |text: &'static str| {
        w.db.single(async move |tx| tx.key_value_or_insert(&AppId::default(), &public(), "name", text, 1).await).await
    };
    assert_eq!(insert("first").await?, "first");
    assert_eq!(insert("second").await?, "first");
    w.db.tx(async |tx| tx.put_key_value(&AppId::default(), &public(), "name", "third", 3).await).await?;
    let row = value().await?.unwrap();
    assert_eq!((row.value.as_str(), row.created_at), ("third", 3));
    assert!(!format!("{row:?}").contains("third"));
    let delete = async || w.db.single(async |tx| tx.delete_key_value(&AppId::default(), &public(), "name").await).await;
    assert!(delete().await?);
    assert!(!delete().await?);
    let orphan = w.db.tx(async |tx| tx.put_key_value(&AppId::default(), &TenantId::normalise("t9"), "n", "v", 1).await).await;
    assert!(matches!(orphan, Err(StoreError::MissingParent(_))));
    Ok(())
}

fn full_tenant() -> TenantRecord {
    let text = |text: &str| Some(text.to_owned());
    let client = ClientRecord {
        client_type: "web".into(),
        client_id: "id".into(),
        client_secret: text("secret"),
        scope: Some(vec!["email".into(), "a \"quoted\", one".into()]),
        force_pkce: Some(true),
        additional_config: text(r#"{"a":null}"#),
    };
    let provider = ProviderRecord {
        third_party_id: "google".into(),
        name: text("Google"),
        authorization_endpoint: text("https://a"),
        authorization_endpoint_query_params: text(r#"{"q":null}"#),
        token_endpoint: text("https://t"),
        token_endpoint_body_params: text("{}"),
        user_info_endpoint: text("https://u"),
        user_info_endpoint_query_params: text("{}"),
        user_info_endpoint_headers: text(r#"{"h":"1"}"#),
        jwks_uri: text("https://j"),
        oidc_discovery_endpoint: text("https://o"),
        require_email: Some(false),
        user_info_map_from_id_token_payload: UserInfoMap { user_id: text("sub"), email: text("mail"), email_verified: None },
        user_info_map_from_user_info_endpoint: UserInfoMap { user_id: None, email: None, email_verified: text("ok") },
        clients: vec![ClientRecord { client_id: "bare".into(), ..ClientRecord::default() }, client],
    };
    TenantRecord {
        id: TenantIdentifier {
            cud: ConnectionUriDomain::normalise("host"),
            app: AppId::normalise("a1"),
            tenant: TenantId::normalise("t1"),
        },
        email_password_enabled: false,
        first_factors: Some(vec!["emailpassword".into(), "otp-email".into()]),
        required_secondary_factors: Some(vec!["totp".into()]),
        core_config: r#"{"access_token_validity":7}"#.into(),
        providers: vec![ProviderRecord { third_party_id: "apple".into(), ..ProviderRecord::default() }, provider],
        ..TenantRecord::base()
    }
}

async fn a_tenant_reads_back_as_it_was_saved(w: &World) -> Outcome {
    let full = full_tenant();
    let of = async |id: &TenantIdentifier| {
        let id = id.clone();
        w.db.read(async move |tx| tx.tenant(&id).await).await
    };
    assert_eq!(of(&full.id).await?, None);
    let save = async |record: &TenantRecord| {
        let record = record.clone();
        w.db.tx(async move |tx| tx.save_tenant(&record, 7).await).await
    };
    save(&full).await?;
    assert_eq!(of(&full.id).await?.as_ref(), Some(&full));
    w.db.tx(async |tx| tx.ensure_base_tenant(7).await).await?;
    w.db.tx(async |tx| tx.ensure_base_tenant(8).await).await?;
    assert_eq!(w.db.read(async |tx| tx.tenants().await).await?, [TenantRecord::base(), full.clone()]);
    let app = full.id.app_identifier();
    assert_eq!(w.db.read(async move |tx| tx.tenants_of(&app).await).await?, std::slice::from_ref(&full));
    let (cud, app, other) = (full.id.cud.clone(), full.id.app.clone(), AppId::normalise("a2"));
    let ids = w.db.read(async move |tx| {
        Ok((tx.tenant_ids(&cud, None).await?, tx.tenant_ids(&cud, Some(&app)).await?, tx.tenant_ids(&cud, Some(&other)).await?))
    });
    assert_eq!(ids.await?, (vec![full.id.clone()], vec![full.id.clone()], Vec::new()));
    let (id, app) = (full.id.clone(), full.id.app_identifier());
    let overrides = w.db.read(async move |tx| Ok((tx.overrides_of(&id).await?, tx.overrides_of_tenants(&app).await?)));
    assert_eq!(overrides.await?, (Some(full.core_config.clone()), vec![full.core_config.clone()]));
    // A change replaces, and no factors are not the same as no word about factors.
    let bare = TenantRecord { first_factors: Some(Vec::new()), required_secondary_factors: None, providers: Vec::new(), ..full };
    save(&bare).await?;
    assert_eq!(of(&bare.id).await?.as_ref(), Some(&bare));
    let there = w.db.read(async |tx| tx.tenant_exists(&AppId::normalise("a1"), &TenantId::normalise("t1")).await).await?;
    assert!(there);
    Ok(())
}

async fn removal_takes_along_what_belongs(w: &World) -> Outcome {
    w.with_base().await?;
    let full = full_tenant();
    let (record, app, tenant) = (full.clone(), full.id.app.clone(), full.id.tenant.clone());
    w.db.tx(async move |tx| {
        tx.save_tenant(&record, 7).await?;
        tx.insert_dynamic_key(&app, 1, "key").await?;
        tx.insert_session(&app, &tenant, &a_session("s_t1", "u")).await?;
        tx.mark_last_active(&app, "u", 5).await
    })
    .await?;
    let id = full.id.clone();
    assert!(w.db.tx(async move |tx| tx.delete_tenant(&id).await).await?);
    let (id, app) = (full.id.clone(), full.id.app.clone());
    assert!(!w.db.tx(async move |tx| tx.delete_tenant(&id).await).await?);
    let (session, keys) =
        w.db.read(async move |tx| {
            Ok((tx.session(&app, &TenantId::normalise("t1"), &handle("s_t1")).await?, tx.dynamic_keys(&app).await?))
        })
        .await?;
    assert_eq!((session, keys.len()), (None, 1));
    let record = full.clone();
    w.db.tx(async move |tx| tx.save_tenant(&record, 7).await).await?;
    let at: AppIdentifier = full.id.app_identifier();
    let app = at.app.clone();
    let again = at.clone();
    assert!(w.db.tx(async move |tx| tx.delete_app(&at).await).await?);
    assert!(!w.db.tx(async move |tx| tx.delete_app(&again).await).await?);
    let left = w.db.read(async move |tx| Ok((tx.dynamic_keys(&app).await?.len(), tx.active_users(&app, 0).await?))).await?;
    assert_eq!(left, (0, 0));
    let record = full.clone();
    w.db.tx(async move |tx| tx.save_tenant(&record, 7).await).await?;
    assert!(w.db.tx(async |tx| tx.delete_domain_configs(&ConnectionUriDomain::normalise("host")).await).await?);
    assert!(!w.db.tx(async |tx| tx.delete_tenant_config(&full_tenant().id).await).await?);
    assert_eq!(w.db.read(async |tx| tx.tenants().await).await?.len(), 1);
    Ok(())
}

async fn activity_is_marked_and_counted(w: &World) -> Outcome {
    w.with_base().await?;
    w.db.tx(async |tx| {
        let app = AppId::default();
        tx.mark_last_active(&app, "u1", 10).await?;
        tx.mark_last_active(&app, "u1", 20).await?;
        tx.mark_last_active(&app, "u2", 15).await
    })
    .await?;
    for (since, count) in [(0, 2), (15, 2), (16, 1), (20, 1), (21, 0)] {
        assert_eq!(w.db.read(async move |tx| tx.active_users(&AppId::default(), since).await).await?, count, "{since}");
    }
    Ok(())
}

fn a_line(created_at: i64) -> ActivityRow {
    ActivityRow {
        app: AppId::default(),
        tenant: public(),
        recipe_user_id: Some("r".into()),
        primary_or_recipe_user_id: Some("p".into()),
        event_type: "session_created".into(),
        status: Some("success".into()),
        auth_principal: None,
        identifier: Some("h".into()),
        created_at,
        payload: None,
    }
}

async fn old_activity_is_dropped(w: &World) -> Outcome {
    const NOVEMBER: i64 = 1_793_491_200_000;
    const DAY: i64 = 86_400_000;
    w.db.ensure_activity_partitions(NOVEMBER).await?;
    w.db.ensure_activity_partitions(NOVEMBER + DAY).await?;
    w.db.tx(async |tx| {
        tx.log_activity(&a_line(NOVEMBER)).await?;
        tx.log_activity(&a_line(NOVEMBER + 45 * DAY)).await?;
        // No month has a partition for this one.
        tx.log_activity(&a_line(NOVEMBER + 300 * DAY)).await
    })
    .await?;
    let lines = "SELECT COUNT(*) FROM activity_log WHERE event_type = 'session_created' AND identifier = 'h' AND payload IS NULL";
    assert_eq!(w.number(lines).await, 3);
    // The last day of November is no older than what is kept.
    assert_eq!(w.db.drop_old_activity(NOVEMBER + 29 * DAY).await?, u64::from(w.kind == Kind::File));
    assert_eq!(w.db.drop_old_activity(NOVEMBER + 30 * DAY).await?, u64::from(w.kind == Kind::Postgres));
    assert_eq!(w.number(lines).await, 2);
    Ok(())
}

/// By the older tables, which SQLite does not read.
async fn users_are_counted_and_listed(w: &World) -> Outcome {
    linked_and_mapped(w).await?;
    let app = AppId::default;
    let count = async |tenant: Option<TenantId>, recipes: &'static [&'static str]| {
        let recipes: Vec<String> = recipes.iter().map(|&id| id.to_owned()).collect();
        w.db.read(async move |tx| tx.count_users(&app(), tenant.as_ref(), &recipes).await).await
    };
    assert_eq!(count(None, &[]).await?, 1);
    assert_eq!(count(Some(public()), &["thirdparty", "passwordless"]).await?, 1);
    assert_eq!(count(Some(public()), &["passwordless"]).await?, 0);
    assert_eq!(count(Some(TenantId::normalise("t1")), &[]).await?, 0);
    let pending = async |app: Option<AppId>| w.db.read(async move |tx| tx.users_to_backfill(app.as_ref()).await).await;
    assert_eq!((pending(None).await?, pending(Some(app())).await?, pending(Some(AppId::normalise("a9"))).await?), (2, 2, 0));
    const Q: &str = "00000000-0000-4000-8000-00000000000c";
    w.raw(&format!(
        "INSERT INTO app_id_to_user_id (user_id, recipe_id, primary_or_recipe_user_id) VALUES ('{Q}', 'emailpassword', '{Q}');
         INSERT INTO all_auth_recipe_users (user_id, recipe_id, primary_or_recipe_user_id, time_joined,
             primary_or_recipe_user_time_joined) VALUES ('{Q}', 'emailpassword', '{Q}', 10, 10);"
    ))
    .await?;
    let place = |id: &str| UserPlace { primary_user_id: id.into(), time_joined: 10 };
    let page = async |order, from: Option<UserPlace>, limit| {
        let page = UserPage { order, limit, from, recipe_ids: Vec::new() };
        w.db.read(async move |tx| tx.users_page(&app(), &public(), &page).await).await
    };
    for order in [JoinOrder::Ascending, JoinOrder::Descending] {
        assert_eq!(page(order, None, 10).await?, [place(Q), place(P)]);
        assert_eq!(page(order, None, 1).await?, [place(Q)]);
        assert_eq!(page(order, Some(place(P)), 10).await?, [place(P)]);
    }
    let later = UserPlace { primary_user_id: P.into(), time_joined: 11 };
    assert_eq!(page(JoinOrder::Ascending, Some(later.clone()), 10).await?, []);
    assert_eq!(page(JoinOrder::Descending, Some(later), 10).await?, [place(Q), place(P)]);
    Ok(())
}

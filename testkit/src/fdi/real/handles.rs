//! Handles that are none: any text can come in as one, and some of it means something to the core or to whoever reads the log.

use serde_json::json;
use supertokens::Error;
use supertokens::session::{NewSession, VerifyOptions};

use super::{Cdi, payload};
use crate::cdi::place::{make_app, put_tenant, remove_app};
use crate::fdi::Stage;
use crate::scenarios;

async fn a_handle_of_a_tenant_that_is_not_there_is_that_of_no_session(stage: &Stage) {
    for cdi in Cdi::BOTH {
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        for tenant in
            ["nosuchtenant", "T1", "t\n2026-11-28T02:40:00.000000Z ERROR forged", "<script>", "t, public", "\u{202e}x", ""]
        {
            let handle = format!("x_{tenant}");
            assert_eq!(engine.session_information(&handle).await.expect("an answer"), None, "{handle:?}");
            assert!(!engine.revoke_session(&handle).await.expect("an answer"), "{handle:?}");
            assert!(!engine.update_session_data(&handle, json!({})).await.expect("an answer"), "{handle:?}");
            assert!(!engine.merge_into_access_token_payload(&handle, payload(json!({ "a": 1 }))).await.expect("an answer"));
            let judged = engine.validate_claims_for_session_handle(&handle, |global, _| global).await.expect("an answer");
            assert_eq!(judged, None, "{handle:?}");
            // It keeps no other one alive.
            let good = engine.create_new_session(NewSession::of("ada")).await.expect("a session");
            let handles = vec![handle.clone(), good.handle().to_owned(), "y_other".to_owned()];
            assert_eq!(engine.revoke_sessions(handles).await.expect("an answer"), [good.handle()], "{handle:?}");
        }
    }
}

/// Sessions go with their tenant; who still has tokens of one is logged out, and does not meet faults until the tokens end.
async fn sessions_of_a_tenant_that_was_removed_are_over(stage: &Stage) {
    for cdi in Cdi::BOTH {
        put_tenant(stage.world(), "", "t1", json!({})).await;
        stage.world().core().tenants().reload().await.expect("the tenants");
        let engine = stage.engine(|plan| cdi.of(stage, plan)).await;
        let session = engine.create_new_session(NewSession::of("ada").tenant("t1")).await.expect("a session");
        let tokens = session.all_session_tokens_dangerously();
        stage.world().post("5.4", "/recipe/multitenancy/tenant/remove", json!({ "tenantId": "t1" })).await.ok();
        let asked = engine.get_session(tokens.access_token.as_str(), None, &VerifyOptions::new().check_database()).await;
        assert!(matches!(asked, Err(Error::Unauthorised { .. })), "{asked:?}");
        let changed = session.merge_into_access_token_payload(payload(json!({ "a": 1 }))).await;
        assert!(matches!(changed, Err(Error::Unauthorised { .. })), "{changed:?}");
        let refreshed = engine.refresh_session(tokens.refresh_token.expect("a refresh token"), true, None).await;
        assert!(matches!(refreshed, Err(Error::Unauthorised { .. })), "{refreshed:?}");
        session.revoke().await.expect("nothing to end, and that is fine");
    }
}

#[track_caller]
fn is_fault<T: std::fmt::Debug>(answer: Result<T, Error>) {
    let error = answer.expect_err("a fault");
    assert!(matches!(error, Error::Core(_)), "{error:?}");
    assert!(error.to_string().contains("does not know this app"), "{error}");
}

/// The settings name an app that is not there, from the beginning or from one moment to the next: that is said, and is not taken for the
/// end of anybody's session.
async fn a_missing_app_is_a_fault_and_no_end_of_sessions(stage: &Stage) {
    let (plain, asking) = (VerifyOptions::new(), VerifyOptions::new().check_database());
    for tenant in ["public", "t1"] {
        make_app(stage.world(), "shop").await;
        put_tenant(stage.world(), "shop", "t1", json!({})).await;
        stage.world().core().tenants().reload().await.expect("the tenants");
        let engine = stage.engine(|plan| plan.core(stage.core_of_app("shop"))).await;
        let session = engine.create_new_session(NewSession::of("ada").tenant(tenant)).await.expect("a session");
        let handle = session.handle().to_owned();
        let tokens = session.all_session_tokens_dangerously();
        engine.get_session(tokens.access_token.as_str(), None, &asking).await.expect("an answer").expect("a session");
        remove_app(stage.world(), "shop").await;
        stage.world().core().tenants().reload().await.expect("the tenants");
        engine.get_session(tokens.access_token.as_str(), None, &plain).await.expect("an answer").expect("by its keys alone");
        is_fault(engine.get_session(tokens.access_token.as_str(), None, &asking).await);
        is_fault(session.merge_into_access_token_payload(payload(json!({ "a": 1 }))).await);
        is_fault(session.revoke().await);
        is_fault(engine.refresh_session(tokens.refresh_token.expect("a refresh token"), true, None).await);
        let from_the_beginning = stage.engine(|plan| plan.core(stage.core_of_app("shop"))).await;
        for engine in [engine, from_the_beginning] {
            is_fault(engine.session_information(&handle).await);
            is_fault(engine.update_session_data(&handle, json!({})).await);
            is_fault(engine.merge_into_access_token_payload(&handle, payload(json!({ "a": 1 }))).await);
            is_fault(engine.revoke_session(&handle).await);
            is_fault(engine.revoke_sessions(vec![handle.clone(), "x_other".to_owned()]).await);
        }
    }
}

scenarios!(Stage:
    a_handle_of_a_tenant_that_is_not_there_is_that_of_no_session,
    sessions_of_a_tenant_that_was_removed_are_over,
    a_missing_app_is_a_fault_and_no_end_of_sessions,
);

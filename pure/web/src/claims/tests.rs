//! Layout, ages and every row of the table of validators.

use super::*;

const NOW: Millis = 1_700_000_000_000;

fn object(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

fn payload(v: Value) -> Payload {
    object(json!({ "k": { "v": v, "t": NOW - 60_000 }, "other": 1 }))
}

fn check(expectation: Expectation) -> ValueCheck {
    ValueCheck::new("k", expectation)
}

use Expectation::{Equals, Excludes, ExcludesAll, Includes, IncludesAll, IncludesAny};

fn list(value: Value) -> Vec<Value> {
    value.as_array().unwrap().clone()
}

#[test]
fn a_claim_is_a_value_and_the_time_of_fetching() {
    let set = add_to_payload(object(json!({ "a": 1 })), "k", json!(["x"]), NOW);
    assert_eq!(Value::Object(set.clone()), json!({ "a": 1, "k": { "v": ["x"], "t": NOW } }));
    assert_eq!((value(&set, "k"), last_refetch(&set, "k")), (Some(&json!(["x"])), Some(NOW)));
    assert_eq!(add_to_payload(set.clone(), "k", json!(2), NOW + 1), object(json!({ "a": 1, "k": { "v": 2, "t": NOW + 1 } })));
    let removal = remove_by_merge(set.clone(), "k");
    assert_eq!(Value::Object(removal.clone()), json!({ "a": 1, "k": null }));
    assert_eq!((value(&removal, "k"), last_refetch(&removal, "k")), (None, None));
    assert_eq!(crate::payload::merge(set.clone(), removal), object(json!({ "a": 1 })));
    assert_eq!(remove(set, "k"), object(json!({ "a": 1 })));
    assert_eq!(remove_by_merge(Payload::new(), "k"), object(json!({ "k": null })));
}

#[test]
fn values_that_are_not_there() {
    for odd in [
        json!({}),
        json!({"k": null}),
        json!({"k": 1}),
        json!({"k": "v"}),
        json!({"k": []}),
        json!({"k": {}}),
        json!({"k": {"v": null}}),
    ] {
        let payload = object(odd.clone());
        assert_eq!(value(&payload, "k"), None, "{odd}");
        let check = check(Equals(json!(1)));
        assert!(check.should_refetch(&payload, NOW), "{odd}");
        assert_eq!(
            check.validate(&payload, NOW),
            Err(Some(json!({ "message": "value does not exist", "expectedValue": 1 }))),
            "{odd}"
        );
    }
    for (t, at) in
        [(json!(5), Some(5)), (json!(5.9), Some(5)), (json!("5"), None), (json!(null), None), (json!(1e300), Some(Millis::MAX))]
    {
        assert_eq!(last_refetch(&object(json!({ "k": { "v": 1, "t": t } })), "k"), at);
    }
}

#[test]
fn every_validator() {
    let all = |values| IncludesAll(list(values));
    let any = |values| IncludesAny(list(values));
    let none = |values| ExcludesAll(list(values));
    // expectation, a value that satisfies it (if one can), a value that does not (if one can), name and content of the reason
    let rows = [
        (Equals(json!("a")), Some(json!("a")), Some(json!("b")), "expectedValue", json!("a")),
        (Equals(json!(1)), Some(json!(1)), Some(json!("1")), "expectedValue", json!(1)),
        (Equals(json!("1")), Some(json!("1")), Some(json!(1)), "expectedValue", json!("1")),
        (Equals(json!(1)), Some(json!(1.0)), Some(json!(true)), "expectedValue", json!(1)),
        (Equals(json!(true)), Some(json!(true)), Some(json!(false)), "expectedValue", json!(true)),
        (Equals(json!(false)), Some(json!(false)), Some(json!(0)), "expectedValue", json!(false)),
        (Includes(json!("a")), Some(json!(["b", "a"])), Some(json!(["b"])), "expectedToInclude", json!("a")),
        (Includes(json!(1)), Some(json!([1])), Some(json!(["1"])), "expectedToInclude", json!(1)),
        (Includes(json!("a")), Some(json!(["a"])), Some(json!("abc")), "expectedToInclude", json!("a")),
        (Excludes(json!("a")), Some(json!(["b"])), Some(json!(["b", "a"])), "expectedToNotInclude", json!("a")),
        (Excludes(json!("a")), Some(json!([])), Some(json!("b")), "expectedToNotInclude", json!("a")),
        (all(json!(["a", "b"])), Some(json!(["c", "b", "a"])), Some(json!(["a"])), "expectedToInclude", json!(["a", "b"])),
        (all(json!([])), Some(json!([])), Some(json!({})), "expectedToInclude", json!([])),
        (any(json!(["a", "b"])), Some(json!(["b"])), Some(json!(["c"])), "expectedToIncludeAtLeastOneOf", json!(["a", "b"])),
        (any(json!([])), None, Some(json!(["a"])), "expectedToIncludeAtLeastOneOf", json!([])),
        (none(json!(["a", "b"])), Some(json!(["c"])), Some(json!(["c", "b"])), "expectedToNotInclude", json!(["a", "b"])),
        (none(json!([])), Some(json!(["a"])), Some(json!("a")), "expectedToNotInclude", json!([])),
    ];
    for (expectation, good, bad, name, content) in rows {
        let check = check(expectation);
        if let Some(good) = good {
            assert_eq!(check.validate(&payload(good), NOW), Ok(()), "{check:?}");
        }
        if let Some(bad) = bad {
            let reason = json!({ "message": "wrong value", name: content, "actualValue": bad });
            assert_eq!(check.validate(&payload(bad), NOW), Err(Some(reason)), "{check:?}");
        }
        let reason = json!({ "message": "value does not exist", name: content });
        assert_eq!(check.validate(&Payload::new(), NOW), Err(Some(reason)), "{check:?}");
        let aged = ValueCheck { max_age_s: Some(59), ..check };
        let reason = json!({ "message": "expired", "ageInSeconds": 60, "maxAgeInSeconds": 59 });
        assert_eq!(aged.validate(&payload(json!(["anything"])), NOW), Err(Some(reason)), "{aged:?}");
    }
}

#[test]
fn ages() {
    // t relative to now, limit, too old, age in the reason
    let rows = [
        (-60_000, None, false, json!(null)),
        (-60_000, Some(60), false, json!(null)),
        (-60_001, Some(60), true, json!(60.001)),
        (-61_000, Some(60), true, json!(61)),
        (-1, Some(0), true, json!(0.001)),
        (0, Some(0), false, json!(null)),
        (60_000, Some(0), false, json!(null)),
        (-60_000, Some(i64::MAX), false, json!(null)),
        (60_000, Some(i64::MIN), true, json!(-60)),
    ];
    for (t, max_age_s, old, age) in rows {
        let check = ValueCheck { max_age_s, ..check(Equals(json!("a"))) };
        let payload = object(json!({ "k": { "v": "a", "t": NOW + t } }));
        assert_eq!(check.should_refetch(&payload, NOW), old, "{t} {max_age_s:?}");
        let expected = match old {
            true => Err(Some(json!({ "message": "expired", "ageInSeconds": age, "maxAgeInSeconds": max_age_s }))),
            false => Ok(()),
        };
        assert_eq!(check.validate(&payload, NOW), expected, "{t} {max_age_s:?}");
    }
    let ageless = object(json!({ "k": { "v": "a" } }));
    let limited = ValueCheck { max_age_s: Some(60), ..check(Equals(json!("a"))) };
    assert!(limited.should_refetch(&ageless, NOW));
    assert_eq!(limited.validate(&ageless, NOW), Err(Some(json!({ "message": "expired", "maxAgeInSeconds": 60 }))));
    assert_eq!(check(Equals(json!("a"))).validate(&ageless, NOW), Ok(()));
    assert!(!check(Equals(json!("a"))).should_refetch(&ageless, NOW));
    for t in [json!(i64::MIN), json!(i64::MAX), json!(-1e300)] {
        let payload = object(json!({ "k": { "v": "a", "t": t } }));
        assert_eq!(limited.validate(&payload, i64::MAX).is_ok(), t == json!(i64::MAX), "{t}");
        assert!(!limited.should_refetch(&payload, i64::MIN), "{t}: nothing is older than the first instant");
    }
}

#[test]
fn the_id_is_the_key_unless_another_is_given() {
    assert_eq!(check(Equals(json!(1))).id, "k");
    let named = ValueCheck { id: "mine".into(), ..check(Equals(json!(1))) };
    assert_eq!((named.id.as_str(), named.key.as_str()), ("mine", "k"));
}

//! What the SDK wrote into the log while something happened.

use std::sync::{Arc, Mutex};

use super::ground::in_paused_time;

/// What was logged, in a list.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "com.supertokens"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Fields(String);
        impl tracing::field::Visit for Fields {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{}={value:?} ", field.name()));
            }
        }
        let mut fields = Fields(format!("{} ", event.metadata().level()));
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// What the SDK logs while this happens, each line with its level and all its fields.
pub fn logged<F: Future<Output = ()>>(happening: impl FnOnce() -> F + Send) -> Vec<String> {
    let lines = Lines::default();
    let kept = lines.clone();
    in_paused_time(|| async move {
        // With one subscriber only, tracing asks whichever thread comes first whether a line is wanted, and keeps the answer.
        let _second = tracing::Dispatch::new(Lines::default());
        let _guard = tracing::subscriber::set_default(kept);
        happening().await;
    });
    lines.0.lock().expect("nobody panicked").clone()
}

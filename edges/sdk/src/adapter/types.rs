//! The types that handlers take and return. A framework's traits can only be implemented for types of the adapter's own crate, so these
//! are written there, by these macros; what they are and do is the same everywhere.

/// Makes `Session<P>`, `MaybeSession<P>`, `Auth` and `Engine`, each with the documentation that the adapter gives it.
#[macro_export]
macro_rules! handler_types {
    (
        $(#[$session:meta])* Session;
        $(#[$maybe:meta])* MaybeSession;
        $(#[$auth:meta])* Auth;
        $(#[$engine:meta])* Engine;
    ) => {
        $(#[$session])*
        pub struct Session<P = $crate::adapter::Usual> {
            session: $crate::session::Session,
            policy: ::std::marker::PhantomData<fn() -> P>,
        }

        impl<P> Session<P> {
            fn of(session: $crate::session::Session) -> Self {
                Self { session, policy: ::std::marker::PhantomData }
            }

            /// The SDK's session, to hand it to code that knows no framework.
            pub fn into_inner(self) -> $crate::session::Session {
                self.session
            }
        }

        impl<P> Clone for Session<P> {
            fn clone(&self) -> Self {
                Self::of(self.session.clone())
            }
        }

        impl<P> ::std::fmt::Debug for Session<P> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.session.fmt(f)
            }
        }

        impl<P> ::std::ops::Deref for Session<P> {
            type Target = $crate::session::Session;

            fn deref(&self) -> &Self::Target {
                &self.session
            }
        }

        $(#[$maybe])*
        #[derive(Debug, Clone)]
        pub struct MaybeSession<P = $crate::adapter::Usual>(pub Option<Session<P>>);

        $(#[$auth])*
        #[derive(Debug, Clone)]
        pub struct Auth(pub $crate::Scope);

        impl ::std::ops::Deref for Auth {
            type Target = $crate::Scope;

            fn deref(&self) -> &$crate::Scope {
                &self.0
            }
        }

        $(#[$engine])*
        #[derive(Debug, Clone)]
        pub struct Engine(pub $crate::SuperTokens);

        impl ::std::ops::Deref for Engine {
            type Target = $crate::SuperTokens;

            fn deref(&self) -> &$crate::SuperTokens {
                &self.0
            }
        }
    };
}

/// Makes `Error`, with the documentation that the adapter gives it, and `Result`. It holds a [`Pending`](crate::adapter::Pending), which
/// the adapter finds in its field.
#[macro_export]
macro_rules! handler_error {
    ($(#[$error:meta])* Error;) => {
        $(#[$error])*
        #[derive(Debug, Clone)]
        pub struct Error($crate::adapter::Pending);

        /// What a handler returns that does something with sessions.
        pub type Result<T, E = Error> = ::std::result::Result<T, E>;

        impl Error {
            /// Logs whoever sent the request out: 401, and the browser forgets its tokens.
            pub fn unauthorised(message: impl Into<String>) -> Self {
                $crate::Error::unauthorised(message).into()
            }

            /// The SDK's error, to look at it. Whoever takes it out answers it; `None`, if somebody has.
            pub fn into_inner(self) -> Option<$crate::Error> {
                self.0.take()
            }
        }

        impl From<$crate::Error> for Error {
            fn from(error: $crate::Error) -> Self {
                Self($crate::adapter::Pending::new(error))
            }
        }

        impl From<$crate::CoreError> for Error {
            fn from(error: $crate::CoreError) -> Self {
                $crate::Error::from(error).into()
            }
        }

        impl ::std::fmt::Display for Error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::std::error::Error for Error {}
    };
}

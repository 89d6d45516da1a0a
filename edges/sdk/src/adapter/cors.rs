//! Which pages may talk to the API (sdk-session.md 3.6, 3.9, 9.1): the website's, with cookies, and nobody else's. Only the public keys
//! and the discovery document are for every page. A framework's own CORS component asks here.

use http::{HeaderName, Method, header};

use crate::SuperTokens;
use crate::context::UserContext;
use crate::request::RequestView;

/// What a framework's CORS component has to be told.
#[derive(Debug, Clone)]
pub struct Cors {
    engine: SuperTokens,
    website: Website,
    public: [String; 2],
}

#[derive(Debug, Clone)]
enum Website {
    /// The same for every request; `None` if the address cannot be used.
    One(Option<String>),
    /// A function of the application finds it out.
    EachTime,
}

impl Cors {
    /// Where browsers ask with one of these, the answer is yes.
    pub const METHODS: [Method; 7] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

    /// The rules of this SDK's application.
    pub fn new(engine: &SuperTokens) -> Self {
        let website = match engine.has_one_website() {
            false => Website::EachTime,
            true => {
                let website = engine.website_origin(&UserContext::new()).ok();
                if website.is_none() {
                    tracing::error!(target: "com.supertokens", "the website's address in appInfo cannot be used: no origin is allowed");
                }
                Website::One(website)
            }
        };
        Self { engine: engine.clone(), website, public: public_documents(engine) }
    }

    /// Whether this is the origin of the website. The request is made only if a function of the application has to look at it.
    pub fn is_website(&self, origin: &[u8], request: impl FnOnce() -> RequestView) -> bool {
        match &self.website {
            Website::One(website) => website.as_ref().is_some_and(|website| website.as_bytes() == origin),
            Website::EachTime => {
                let context = UserContext::of_request(request());
                self.engine.website_origin(&context).is_ok_and(|website| website.as_bytes() == origin)
            }
        }
    }

    /// Whether this is one of the documents for every page. The SDK says `*` for them; a CORS component that replaces what is inside of
    /// it has to let every origin read them.
    pub fn is_public(&self, method: &str, path: &str) -> bool {
        method == Method::GET.as_str() && self.public.iter().any(|public| public == path)
    }

    /// The request headers that the website's library sends, and `content-type`.
    pub fn headers(engine: &SuperTokens) -> impl Iterator<Item = HeaderName> + use<> {
        std::iter::once(header::CONTENT_TYPE).chain(engine.all_cors_headers().iter().map(|name| HeaderName::from_static(name)))
    }
}

/// Where they are for this application, behind a gateway if there is one.
fn public_documents(engine: &SuperTokens) -> [String; 2] {
    let app = engine.app_info();
    let base = app.api_base_path.as_str();
    let base = base.strip_prefix(app.api_gateway_path.as_str()).unwrap_or(base);
    ["/jwt/jwks.json", "/.well-known/openid-configuration"].map(|document| format!("{base}{document}"))
}

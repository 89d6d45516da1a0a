//! A function that API Gateway asks who may pass, before it calls others (sdk-session.md 9.4).

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use lambda_http::Error;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayCustomAuthorizerResponse,
    ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request,
};
use lambda_http::aws_lambda_events::iam::{IamPolicyEffect, IamPolicyStatement};
use serde_json::{Value, json};
use supertokens::session::{Session, VerifyOptions};
use supertokens::{RequestView, Scope, SuperTokens};

/// Lambda authorizers of both kinds of API, for functions that know nothing of SuperTokens.
///
/// ```no_run
/// use lambda_http::aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest;
/// use lambda_http::lambda_runtime::{self, LambdaEvent};
/// use lambda_http::{Error, service_fn};
/// use supertokens_lambda::Authorizer;
///
/// # async fn example(supertokens: supertokens::SuperTokens) -> Result<(), Error> {
/// let authorizer = &Authorizer::new(supertokens);
/// let answer = |event: LambdaEvent<ApiGatewayCustomAuthorizerRequestTypeRequest>| authorizer.rest(event.payload);
/// lambda_runtime::run(service_fn(answer)).await
/// # }
/// ```
///
/// Who passes is told to the function behind, in its event's `requestContext.authorizer`: `userId`, `sessionHandle`, `tenantId`, and
/// `accessTokenPayload`, which is JSON in a text, as API Gateway wants it.
///
/// Who does not pass is answered by API Gateway, and not as the website's library knows it, except for the status, to which it goes by: 401
/// to refresh, 403 for claims. Give the gateway's own answers the CORS headers of your website. Let the gateway not remember answers: a
/// token ends. An authorizer has no way to the response: what checking a session wants changed in the browser, as a core of CDI 5.4 may,
/// is lost, and the next refresh makes up for it.
#[derive(Debug, Clone)]
pub struct Authorizer {
    supertokens: SuperTokens,
    options: VerifyOptions,
}

impl Authorizer {
    /// One that wants a session, with what `VerifyOptions::default()` checks.
    pub fn new(supertokens: SuperTokens) -> Self {
        Self { supertokens, options: VerifyOptions::new() }
    }

    /// One that checks more, or other things. A session is always required.
    #[must_use]
    pub fn options(mut self, options: VerifyOptions) -> Self {
        self.options = options;
        self
    }

    /// Answers for a REST API, whose authorizer is of type `REQUEST`: a policy that lets the method be called, or forbids it if a claim is
    /// not as it should be. `principalId` is the id of the user.
    ///
    /// # Errors
    /// `Unauthorized`, of which the gateway makes 401; or what went wrong, of which it makes 500.
    pub async fn rest(
        &self,
        event: ApiGatewayCustomAuthorizerRequestTypeRequest,
    ) -> Result<ApiGatewayCustomAuthorizerResponse, Error> {
        let headers = if event.multi_value_headers.is_empty() { event.headers } else { event.multi_value_headers };
        let session = self.check(event.http_method.unwrap_or_default(), event.path, headers).await?;
        let mut statement = IamPolicyStatement::default();
        statement.action = vec!["execute-api:Invoke".to_owned()];
        statement.effect = if session.is_some() { IamPolicyEffect::Allow } else { IamPolicyEffect::Deny };
        statement.resource = event.method_arn.into_iter().collect();
        let mut policy = ApiGatewayCustomAuthorizerPolicy::default();
        policy.version = Some("2012-10-17".to_owned());
        policy.statement = vec![statement];
        let mut answer = ApiGatewayCustomAuthorizerResponse::default();
        answer.principal_id = Some(session.as_ref().map_or("refused", Session::user_id).to_owned());
        answer.policy_document = policy;
        answer.context = told(session.as_ref());
        Ok(answer)
    }

    /// Answers for an HTTP API, whose authorizer has the payload format 2.0 and simple responses: yes, or no if a claim is not as it should
    /// be.
    ///
    /// # Errors
    /// As [`rest`](Self::rest).
    pub async fn http(
        &self,
        event: ApiGatewayV2CustomAuthorizerV2Request,
    ) -> Result<ApiGatewayV2CustomAuthorizerSimpleResponse, Error> {
        let mut headers = event.headers;
        if let Ok(cookies) = HeaderValue::try_from(event.cookies.join("; "))
            && !cookies.is_empty()
        {
            headers.insert(header::COOKIE, cookies);
        }
        let session = self.check(event.request_context.http.method, event.raw_path, headers).await?;
        let mut answer = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
        answer.is_authorized = session.is_some();
        answer.context = told(session.as_ref());
        Ok(answer)
    }

    /// The session; `None`, if one of its claims is not as it should be.
    async fn check(&self, method: Method, path: Option<String>, headers: HeaderMap) -> Result<Option<Session>, Error> {
        let uri = path.and_then(|path| path.parse::<Uri>().ok()).unwrap_or_default();
        let scope = Scope::new(self.supertokens.clone(), RequestView::new(method, uri, headers));
        // Not `verify_session`, which refreshes on the refresh endpoint's path, and lets preflights pass without a session: the answer says
        // whether some other function may be called, and that one knows nothing of either.
        match scope.get_session(&self.options).await {
            Ok(Some(session)) => Ok(Some(session)),
            Err(supertokens::Error::InvalidClaims { .. }) => Ok(None),
            Ok(None)
            | Err(
                supertokens::Error::Unauthorised { .. }
                | supertokens::Error::TryRefreshToken { .. }
                | supertokens::Error::TokenTheftDetected { .. }
                | supertokens::Error::ClearDuplicateSessionCookies { .. },
            ) => Err("Unauthorized".into()), // the very word, of which API Gateway makes 401
            Err(fault) => Err(fault.into()),
        }
    }
}

/// What the function behind is told. API Gateway takes texts, numbers and yes or no.
fn told(session: Option<&Session>) -> Value {
    let Some(session) = session else { return json!({}) };
    json!({
        "userId": session.user_id(),
        "sessionHandle": session.handle(),
        "tenantId": session.tenant_id(),
        "accessTokenPayload": json!(*session.access_token_payload()).to_string(),
    })
}

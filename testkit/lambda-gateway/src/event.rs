//! What does API Gateway make of a request, and of a function's answer? Two kinds: REST APIs (payload format 1.0), and HTTP APIs and
//! function URLs (2.0), as "Working with AWS Lambda proxy integrations for HTTP APIs" of its manual shows both.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// Which kind of API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// A REST API: format 1.0.
    Rest,
    /// An HTTP API, or a function URL: format 2.0.
    Http,
}

/// A gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The kind of API.
    pub events: Events,
    /// The stage that begins every address; without, there is a domain in front that knows the stage, or it is `$default`.
    pub stage: Option<String>,
}

/// What a REST API calls its stage where nobody sees it.
const UNSEEN: &str = "live";

impl Gateway {
    /// The event, or the gateway's own answer to an address that is not below the stage.
    ///
    /// # Errors
    /// 403 or 404, as the kind of API has it.
    pub fn event(&self, request: &Request<Bytes>) -> Result<Value, Box<Response<Bytes>>> {
        let asked = request.uri().path();
        let inside = match &self.stage {
            None => Some(asked),
            Some(stage) => asked.strip_prefix('/').and_then(|rest| rest.strip_prefix(stage.as_str())),
        };
        match (inside, self.events) {
            (Some(""), events) => Ok(self.event_at(request, "/", events)),
            (Some(path), events) if path.starts_with('/') => Ok(self.event_at(request, path, events)),
            (_, Events::Rest) => Err(Box::new(own(StatusCode::FORBIDDEN, "Forbidden"))),
            (_, Events::Http) => Err(Box::new(own(StatusCode::NOT_FOUND, "Not Found"))),
        }
    }

    fn event_at(&self, request: &Request<Bytes>, path: &str, events: Events) -> Value {
        let (body, is_base64) = encoded(request.body());
        let mut event = match events {
            Events::Rest => self.rest(request, path),
            Events::Http => self.http(request),
        };
        put(&mut event, "body", body);
        put(&mut event, "isBase64Encoded", is_base64.into());
        event
    }

    fn rest(&self, request: &Request<Bytes>, path: &str) -> Value {
        let headers = headers_of(request);
        let last = headers.iter().map(|(name, values)| (name.clone(), values.last().cloned().unwrap_or_default()));
        let (query, last_of_query) = query(request.uri().query());
        json!({
            "resource": "/{proxy+}",
            "path": path,
            "httpMethod": request.method().as_str(),
            "headers": last.collect::<Map<_, _>>(),
            "multiValueHeaders": headers.iter().map(|(name, values)| (name.clone(), json!(values))).collect::<Map<_, _>>(),
            "queryStringParameters": last_of_query,
            "multiValueQueryStringParameters": query,
            "pathParameters": { "proxy": path.trim_start_matches('/') },
            "stageVariables": null,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "local",
                "domainName": host(request),
                "domainPrefix": "local",
                "httpMethod": request.method().as_str(),
                "identity": { "sourceIp": "127.0.0.1" },
                "path": request.uri().path(),
                "protocol": "HTTP/1.1",
                "requestId": "local",
                "requestTimeEpoch": 0,
                "resourceId": "local",
                "resourcePath": "/{proxy+}",
                "stage": self.stage.as_deref().unwrap_or(UNSEEN),
            },
        })
    }

    fn http(&self, request: &Request<Bytes>) -> Value {
        let mut headers = headers_of(request);
        let cookies: Vec<_> = headers.iter().filter(|(name, _)| name == "cookie").flat_map(|(_, lines)| lines.clone()).collect();
        headers.retain(|(name, _)| name != "cookie");
        let texts = |values: &[Value]| values.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let joined = headers.iter().map(|(name, values)| (name.clone(), Value::from(texts(values).join(","))));
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": request.uri().path(),
            "rawQueryString": request.uri().query().unwrap_or_default(),
            "headers": joined.collect::<Map<_, _>>(),
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "local",
                "domainName": host(request),
                "domainPrefix": "local",
                "http": {
                    "method": request.method().as_str(),
                    "path": request.uri().path(),
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "",
                },
                "requestId": "local",
                "routeKey": "$default",
                "stage": self.stage.as_deref().unwrap_or("$default"),
                "timeEpoch": 0,
            },
        });
        if !cookies.is_empty() {
            let all = texts(&cookies).join("; ");
            put(&mut event, "cookies", all.split("; ").filter(|cookie| !cookie.is_empty()).map(Value::from).collect());
        }
        event
    }

    /// The response that a function's answer is; 502, if it is none.
    pub fn response(&self, answer: Option<&Value>) -> Response<Bytes> {
        let read = |answer: &Value| -> Option<Response<Bytes>> {
            let mut response = Response::new(decoded(answer)?);
            *response.status_mut() = StatusCode::from_u16(u16::try_from(answer["statusCode"].as_u64()?).ok()?).ok()?;
            let headers = response.headers_mut();
            for (name, value) in answer["headers"].as_object().into_iter().flatten() {
                append(headers, name, value)?;
            }
            let (several, cookies) = (&answer["multiValueHeaders"], &answer["cookies"]);
            for (name, values) in several.as_object().into_iter().flatten().filter(|_| self.events == Events::Rest) {
                for value in values.as_array()? {
                    append(headers, name, value)?;
                }
            }
            for cookie in cookies.as_array().into_iter().flatten().filter(|_| self.events == Events::Http) {
                append(headers, "set-cookie", cookie)?;
            }
            Some(response)
        };
        let broken = || match self.events {
            Events::Rest => own(StatusCode::BAD_GATEWAY, "Internal server error"),
            Events::Http => own(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        };
        answer.and_then(read).unwrap_or_else(broken)
    }
}

fn put(event: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = event {
        members.insert(name.to_owned(), value);
    }
}

/// Headers in the order they came, each with its values; the lines of `Cookie` are one, as HTTP/2 wants it of whoever passes them on.
fn headers_of(request: &Request<Bytes>) -> Vec<(String, Vec<Value>)> {
    let names = request.headers().keys();
    let texts = |name: &HeaderName| -> Vec<String> {
        request.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    let values = |name: &HeaderName| match *name == header::COOKIE {
        true => vec![Value::from(texts(name).join("; "))],
        false => texts(name).into_iter().map(Value::from).collect(),
    };
    names.map(|name| (name.as_str().to_owned(), values(name))).collect()
}

fn host(request: &Request<Bytes>) -> String {
    let host = request.headers().get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    host.or_else(|| request.uri().authority().map(ToString::to_string)).unwrap_or_default()
}

/// All values of each parameter, and the last one.
fn query(query: Option<&str>) -> (Value, Value) {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return (Value::Null, Value::Null) };
    let text = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let (mut all, mut last) = (Map::new(), Map::new());
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (text(name), Value::from(text(value)));
        if let Value::Array(values) = all.entry(name.clone()).or_insert_with(|| json!([])) {
            values.push(value.clone());
        }
        last.insert(name, value);
    }
    (all.into(), last.into())
}

/// Text as it is, everything else in base64.
fn encoded(body: &Bytes) -> (Value, bool) {
    match std::str::from_utf8(body) {
        Ok("") => (Value::Null, false),
        Ok(text) => (text.into(), false),
        Err(_) => (BASE64_STANDARD.encode(body).into(), true),
    }
}

fn decoded(answer: &Value) -> Option<Bytes> {
    let body = answer["body"].as_str().unwrap_or_default();
    match answer["isBase64Encoded"].as_bool() {
        Some(true) => BASE64_STANDARD.decode(body).ok().map(Bytes::from),
        _ => Some(Bytes::from(body.to_owned())),
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    headers.append(name, HeaderValue::try_from(value.as_str()?).ok()?);
    Some(())
}

/// What the gateway says by itself.
pub(crate) fn own(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

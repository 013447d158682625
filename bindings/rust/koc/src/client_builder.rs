use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use std::time::Duration;

use crate::arena::{all, Arena};
use crate::auth::Auth;
use crate::client::Client;
use crate::context::Context;
use crate::error::Result;
use crate::ffi::object;
use crate::op::Answer;
use crate::trace::{on_trace, release_trace, OnTrace, Trace};
use crate::transport::Transport;

/// Options of a [`Client`]. Without [`ClientBuilder::auth`] and [`ClientBuilder::anonymous`] it has docker's credentials.
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    flags: u32,
    auth: Option<Auth>,
    anonymous: bool,
    user_agent: Option<String>,
    ca_file: Option<PathBuf>,
    allow_http: Vec<String>,
    max_connections: u32,
    max_attempts: u32,
    connect_timeout: Duration,
    response_timeout: Duration,
    requests_per_second: u32,
    headers: Vec<(String, String)>,
    transport: Option<Transport>,
    trace: Option<OnTrace>,
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl ClientBuilder {
    /// Where credentials come from.
    pub fn auth(mut self, auth: &Auth) -> Self {
        self.auth = Some(auth.clone());
        self
    }

    /// Uses no credentials.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// In place of `koc/<version>`.
    pub fn user_agent(mut self, text: &str) -> Self {
        self.user_agent = Some(text.to_string());
        self
    }

    /// A PEM file of authorities to trust besides the system's.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca_file = Some(path.as_ref().into());
        self
    }

    /// A host that may use plain HTTP.
    pub fn allow_http(mut self, host: &str) -> Self {
        self.allow_http.push(host.to_string());
        self
    }

    /// Allows plain HTTP and does not verify certificates, for every registry.
    pub fn insecure(mut self) -> Self {
        self.flags |= koc_sys::KOC_CLIENT_INSECURE;
        self
    }

    /// Ignores HTTP_PROXY, HTTPS_PROXY, NO_PROXY.
    pub fn no_proxy_env(mut self) -> Self {
        self.flags |= koc_sys::KOC_CLIENT_NO_PROXY_ENV;
        self
    }

    /// Sends no request: [`crate::Code::NET`] names what is missing.
    pub fn offline(mut self) -> Self {
        self.flags |= koc_sys::KOC_CLIENT_OFFLINE;
        self
    }

    /// Per host; 0: 8.
    pub fn max_connections(mut self, n: u32) -> Self {
        self.max_connections = n;
        self
    }

    /// Per request; 0: 8.
    pub fn max_attempts(mut self, n: u32) -> Self {
        self.max_attempts = n;
        self
    }

    /// Of one connection; zero: 10 s per attempt, 30 s in all.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Until the first byte of a response; zero: 30 s for a host that has not answered yet, 60 s later.
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.response_timeout = limit;
        self
    }

    /// To one host; 0: as the host limits it.
    pub fn requests_per_second(mut self, n: u32) -> Self {
        self.requests_per_second = n;
        self
    }

    /// A header that is sent with each request to a registry.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// In the place of libcurl. Its TLS and proxies are its own.
    pub fn transport(mut self, transport: &Transport) -> Self {
        self.transport = Some(transport.clone());
        self
    }

    /// Sees each request and reply, on the thread of the call. It lives as long as the last object of the client.
    pub fn trace<A: Answer>(mut self, f: impl Fn(&Trace) -> A + Send + Sync + 'static) -> Self {
        self.trace = Some(Box::new(move |event| f(event).goes_on()));
        self
    }

    fn auth_or_docker(&mut self) -> Result<Option<Auth>> {
        match self.auth.take() {
            None if !self.anonymous => Auth::docker().map(Some),
            auth => Ok(auth),
        }
    }

    /// The client. No request is sent.
    pub fn build(mut self, context: &Context) -> Result<Client> {
        let (mut a, auth) = (Arena::default(), self.auth_or_docker()?);
        let mut o = koc_sys::koc_client_options {
            flags: self.flags,
            auth: auth.as_ref().map_or(null_mut(), |a| a.0),
            user_agent: a.optional(&self.user_agent)?,
            ca_file: a.optional_path(&self.ca_file)?,
            allow_http: a.some(&self.allow_http)?,
            max_connections: self.max_connections,
            max_attempts: self.max_attempts,
            connect_timeout_ms: milliseconds(self.connect_timeout),
            response_timeout_ms: milliseconds(self.response_timeout),
            requests_per_second: self.requests_per_second,
            headers: a.pairs(&all(&self.headers))?,
            n_headers: self.headers.len(),
            transport: self.transport.as_ref().map_or(null_mut(), |t| t.0),
            ..Default::default()
        };
        let trace = self.trace.map(|f| Box::into_raw(Box::new(f)));
        if let Some(payload) = trace {
            o.trace = Some(on_trace);
            o.trace_payload = payload.cast();
            o.trace_release = Some(release_trace);
        }
        let made =
            unsafe { object(|out, err| koc_sys::koc_client_new(context.0, &o, out, err), Client) };
        if let (Err(_), Some(payload)) = (&made, trace) {
            drop(unsafe { Box::from_raw(payload) });
        }
        made
    }
}

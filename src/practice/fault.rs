//! Troubles that a provider can make, on order: for tests and drills.

use std::time::Duration;

use serde::Deserialize;

/// When a trouble strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// After the head, before any of the body is read.
    BeforeBody,
    /// After the whole body, before it has any effect: nothing is published.
    AfterBody,
    /// After it took effect: the post is public, and the answer is what goes wrong.
    AfterEffect,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// No answer, ever; the connection stays open.
    Hang,
    /// The connection is reset (TCP RST). Over HTTP/2 this takes the other streams along.
    Reset,
    /// The connection is closed without an answer.
    Close,
    /// Bytes that are not HTTP, then the end of the connection.
    Garbage,
    /// This answer.
    Answer {
        /// Status code.
        status: u16,
        /// `content-type`.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The true answer, one byte at a time.
    Slow {
        /// Milliseconds before each byte.
        pause_ms: u64,
    },
    /// The true answer, whole, but late.
    Late {
        /// Milliseconds before its body.
        pause_ms: u64,
    },
    /// A JSON answer of that many bytes, with the true answer's status.
    Huge {
        /// Bytes of the body.
        bytes: u64,
    },
    /// The true answer's head, half of its body, and the end of the connection.
    Truncated,
}

impl Trouble {
    /// A 5xx (or other) answer as a load balancer in front of the provider gives it.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, content_type: "text/html".to_owned(), body: format!("<h1>{status}</h1>") }
    }

    /// The true answer, one byte each `pause`.
    pub fn slow(pause: Duration) -> Self {
        Self::Slow { pause_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) }
    }

    /// The true answer, after `pause`.
    pub fn late(pause: Duration) -> Self {
        Self::Late { pause_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// A trouble, when it strikes, which requests, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it strikes.
    pub when: When,
    /// What goes wrong.
    pub trouble: Trouble,
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins with this.
    #[serde(default)]
    pub path: Option<String>,
    /// Only requests to this host.
    #[serde(default)]
    pub host: Option<String>,
    /// How many requests it strikes; none: every one until it is cleared.
    #[serde(default = "once")]
    pub times: Option<u32>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn once() -> Option<u32> {
    Some(1)
}

impl Fault {
    /// A trouble for the next request, whichever it is.
    pub fn next(when: When, trouble: Trouble) -> Self {
        Self { when, trouble, method: None, path: None, host: None, times: once() }
    }

    /// The same for requests with this method whose path begins with `path`.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        self.path = Some(path.to_owned());
        self
    }

    /// The same, striking that many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same, striking every request until it is cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn strikes(&self, host: &str, method: &str, path: &str) -> bool {
        self.host.as_deref().is_none_or(|wanted| wanted == host)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path.as_deref().is_none_or(|wanted| path.starts_with(wanted))
            && self.times != Some(0)
    }
}

/// Takes the first standing fault that strikes this request, and counts it down.
pub(crate) fn take(standing: &mut Vec<Fault>, host: &str, method: &str, path: &str) -> Option<(When, Trouble)> {
    let at = standing.iter().position(|fault| fault.strikes(host, method, path))?;
    let fault = standing.get_mut(at)?;
    let struck = (fault.when, fault.trouble.clone());
    if let Some(left) = fault.times.as_mut() {
        *left -= 1;
        if *left == 0 {
            standing.remove(at);
        }
    }
    Some(struck)
}

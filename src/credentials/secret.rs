//! The kinds of credentials, as they are brought in (JSON with `kind`, or a bare token) and as they lie sealed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::credential::{STAND_IN, Unusable};

/// A secret text: overwritten when it goes, never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Hidden(Zeroizing<String>);

impl Hidden {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Hidden {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A credential of an account at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Secret {
    /// A token that is shown as it is (RFC 6750): Mastodon, a long-lived LINE channel token, a Graph page token.
    Bearer {
        /// The token.
        token: Hidden,
    },
    /// OAuth 2 with a refresh token (RFC 6749 section 6): X, Google.
    Oauth2 {
        /// The application.
        client_id: String,
        /// Its secret, if it is a confidential one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_secret: Option<Hidden>,
        /// The refresh token; X gives a new one each time.
        refresh_token: Hidden,
        /// The token that is shown; none: it is fetched before the first post.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access_token: Option<Hidden>,
    },
    /// OAuth 1.0a (RFC 5849): X.
    Oauth1 {
        /// The application.
        consumer_key: String,
        /// Its secret.
        consumer_secret: Hidden,
        /// The account's token.
        token: Hidden,
        /// Its secret.
        token_secret: Hidden,
    },
    /// A Threads token of sixty days, which renews itself.
    Threads {
        /// The token.
        token: Hidden,
    },
    /// A Graph token with the application's secret, from which `appsecret_proof` is made for each request.
    Graph {
        /// The token.
        token: Hidden,
        /// The application's secret.
        app_secret: Hidden,
    },
    /// LINE channel access token v2.1: fetched with a signed assertion (RFC 7523).
    LineJwt {
        /// The channel.
        channel_id: String,
        /// `kid` of the assertion signing key.
        key_id: String,
        /// The assertion signing key, PKCS#8 or PKCS#1 PEM.
        private_key: Hidden,
        /// The token in use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Hidden>,
    },
    /// LINE stateless channel access token (v3): fetched for fifteen minutes at a time.
    LineStateless {
        /// The channel.
        channel_id: String,
        /// Its secret.
        channel_secret: Hidden,
        /// The token in use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Hidden>,
    },
    /// An AT Protocol session, made with an app password and refreshed.
    Atproto {
        /// The account's PDS, a host name.
        host: String,
        /// Handle or DID.
        identifier: String,
        /// The app password.
        app_password: Hidden,
        /// `accessJwt`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access_token: Option<Hidden>,
        /// `refreshJwt`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refresh_token: Option<Hidden>,
    },
}

impl Secret {
    /// What a person brought: JSON with `kind`, or a bare token, which is a bearer.
    ///
    /// # Errors
    /// Code `credential-malformed`.
    pub(super) fn parse(text: &str) -> Result<Self, Unusable> {
        const MALFORMED: Unusable = Unusable("credential-malformed");
        let text = text.trim();
        let secret = if text.starts_with('{') {
            serde_json::from_str(text).map_err(|_| MALFORMED)?
        } else {
            Self::Bearer { token: Hidden::new(text) }
        };
        let printable = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        let shown = secret.shown().is_none_or(|token| printable(token.as_str()) && token.as_str() != STAND_IN);
        let host = match &secret {
            Self::Atproto { host, .. } => {
                host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
                    && host.contains('.')
            }
            _ => true,
        };
        if shown && host && secret.all().iter().all(|part| !part.as_str().is_empty()) {
            Ok(secret)
        } else {
            Err(MALFORMED)
        }
    }

    /// The stable name of the kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "bearer",
            Self::Oauth2 { .. } => "oauth2",
            Self::Oauth1 { .. } => "oauth1",
            Self::Threads { .. } => "threads",
            Self::Graph { .. } => "graph",
            Self::LineJwt { .. } => "line-jwt",
            Self::LineStateless { .. } => "line-stateless",
            Self::Atproto { .. } => "atproto",
        }
    }

    /// The token that the provider is shown as it is; none yet, or it is signed with instead.
    pub(super) fn shown(&self) -> Option<&Hidden> {
        match self {
            Self::Bearer { token } | Self::Threads { token } | Self::Graph { token, .. } => Some(token),
            Self::Oauth2 { access_token, .. } | Self::Atproto { access_token, .. } => access_token.as_ref(),
            Self::LineJwt { token, .. } | Self::LineStateless { token, .. } => token.as_ref(),
            Self::Oauth1 { .. } => None,
        }
    }

    /// Whether the gateway can renew what is shown.
    pub(super) fn renews(&self) -> bool {
        !matches!(self, Self::Bearer { .. } | Self::Oauth1 { .. } | Self::Graph { .. })
    }

    /// What stays the same when it is renewed; two that agree in it are the same credential.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Oauth2 { refresh_token: a, .. }, Self::Oauth2 { refresh_token: b, .. }) => a == b,
            (Self::LineJwt { private_key: a, .. }, Self::LineJwt { private_key: b, .. }) => a == b,
            (Self::LineStateless { channel_secret: a, .. }, Self::LineStateless { channel_secret: b, .. }) => a == b,
            (Self::Atproto { app_password: a, .. }, Self::Atproto { app_password: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }

    fn all(&self) -> Vec<&Hidden> {
        match self {
            Self::Bearer { token } | Self::Threads { token } => vec![token],
            Self::Graph { token, app_secret } => vec![token, app_secret],
            Self::Oauth1 { consumer_secret, token, token_secret, .. } => vec![consumer_secret, token, token_secret],
            Self::Oauth2 { client_secret, refresh_token, access_token, .. } => {
                client_secret.iter().chain([refresh_token]).chain(access_token).collect()
            }
            Self::LineJwt { private_key, token, .. } => [private_key].into_iter().chain(token).collect(),
            Self::LineStateless { channel_secret, token, .. } => [channel_secret].into_iter().chain(token).collect(),
            Self::Atproto { app_password, access_token, refresh_token, .. } => {
                [app_password].into_iter().chain(access_token).chain(refresh_token).collect()
            }
        }
    }

    /// What must not be seen in an answer: every secret, also as URLs, JSON and base64 would write it.
    pub(super) fn patterns(&self) -> Vec<Zeroizing<String>> {
        let mut found: Vec<Zeroizing<String>> = Vec::new();
        for part in self.all() {
            let text = part.as_str();
            for form in [
                text.to_owned(),
                utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
                text.replace('/', "\\/"),
                BASE64_STANDARD.encode(text),
            ] {
                // A shorter one would be found in everyday words.
                if form.len() >= 6 && !found.iter().any(|known| **known == form) {
                    found.push(Zeroizing::new(form));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_token_is_a_bearer_and_json_says_its_kind() {
        assert_eq!(Secret::parse(" abc-def \n").unwrap().kind(), "bearer");
        let kinds = [
            (r#"{"kind":"oauth2","client_id":"a","refresh_token":"r"}"#, "oauth2"),
            (r#"{"kind":"oauth1","consumer_key":"a","consumer_secret":"b","token":"c","token_secret":"d"}"#, "oauth1"),
            (r#"{"kind":"threads","token":"c"}"#, "threads"),
            (r#"{"kind":"graph","token":"c","app_secret":"d"}"#, "graph"),
            (r#"{"kind":"line-jwt","channel_id":"1","key_id":"k","private_key":"-----"}"#, "line-jwt"),
            (r#"{"kind":"line-stateless","channel_id":"1","channel_secret":"s"}"#, "line-stateless"),
            (r#"{"kind":"atproto","host":"bsky.social","identifier":"a.b","app_password":"p"}"#, "atproto"),
        ];
        for (text, kind) in kinds {
            let secret = Secret::parse(text).unwrap();
            assert_eq!(secret.kind(), kind);
            let sealed = serde_json::to_string(&secret).unwrap();
            assert_eq!(Secret::parse(&sealed).unwrap(), secret, "{kind}");
        }
    }

    #[test]
    fn what_is_no_credential_is_not_taken_in_and_never_quoted() {
        for text in [
            "",
            "two words",
            "sekisho",
            "トークン",
            r#"{"kind":"bearer","token":""}"#,
            r#"{"kind":"bearer","token":"a","more":1}"#,
            r#"{"kind":"other","token":"secret-text"}"#,
            r#"{"kind":"atproto","host":"http://x/","identifier":"a","app_password":"p"}"#,
        ] {
            let error = Secret::parse(text).unwrap_err();
            assert_eq!(error.to_string(), "credential-malformed", "{text}");
        }
        let told = format!("{:?}", Secret::parse("very-secret").unwrap());
        assert!(!told.contains("very-secret"), "{told}");
    }

    #[test]
    fn a_secret_is_looked_for_in_every_form_that_an_answer_could_write_it_in() {
        let patterns = Secret::parse("abc/def+ghi=").unwrap().patterns();
        let has = |text: &str| patterns.iter().any(|pattern| pattern.as_str() == text);
        assert!(has("abc/def+ghi=") && has("abc%2Fdef%2Bghi%3D") && has("abc\\/def+ghi="));
    }
}

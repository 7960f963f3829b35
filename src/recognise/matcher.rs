//! Path templates and the tables that find a route without a search through all of them.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use super::definition::{Definition, HostPattern, Route};

/// A path template: `/2/tweets/{id:digits}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    /// As written.
    pub source: String,
    segments: Vec<Segment>,
    /// Whether the last segment stands for one or more.
    tail: bool,
    /// Whether a slash may end the path.
    slash: bool,
    /// Whether `/v<digits>.<digits>` may stand in front.
    versioned: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// Text before the braces, the parameter's name, what it may hold.
    Param(String, String, Holds),
}

/// What a path parameter may hold, within `[A-Za-z0-9._~-]+`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    /// Anything.
    Word,
    /// Digits only.
    Digits,
    /// Digits with single underscores between them: a Page's post is `page_post` to Graph.
    Id,
    /// What begins so; the value is the whole segment.
    Prefix(String),
}

impl Holds {
    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Word => is_word(value),
            Self::Digits => !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()),
            Self::Id => value.split('_').all(|part| Self::Digits.accepts(part)),
            Self::Prefix(prefix) => is_word(value) && value.len() > prefix.len() && value.starts_with(prefix.as_str()),
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word, _) | (_, Self::Word) | (Self::Digits | Self::Id, Self::Digits | Self::Id) => true,
            (Self::Digits, Self::Prefix(prefix)) | (Self::Prefix(prefix), Self::Digits) => {
                prefix.bytes().all(|b| b.is_ascii_digit())
            }
            (Self::Id, Self::Prefix(prefix)) | (Self::Prefix(prefix), Self::Id) => {
                prefix.bytes().all(|b| b.is_ascii_digit() || b == b'_')
            }
            (Self::Prefix(a), Self::Prefix(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
        }
    }
}

/// Whether `text` is one path segment of unreserved characters (RFC 3986 section 2.3) and no dot segment.
fn is_word(text: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-');
    !text.is_empty() && text.bytes().all(unreserved) && text != "." && text != ".."
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        let Some((before, rest)) = text.split_once('{') else {
            return if is_word(text) {
                Ok(Self::Literal(text.to_owned()))
            } else {
                Err(format!("the path segment {text:?} can never match"))
            };
        };
        let inner = rest.strip_suffix('}').ok_or_else(|| format!("{text:?}: a parameter ends its segment"))?;
        let (name, holds) = match inner.split_once(':') {
            None => (inner, Holds::Word),
            Some((name, "digits")) => (name, Holds::Digits),
            Some((name, "id")) => (name, Holds::Id),
            Some((name, prefix)) => {
                let prefix = prefix.strip_suffix('*').filter(|prefix| is_word(prefix));
                let prefix =
                    prefix.ok_or_else(|| format!("{text:?}: write {{id:digits}}, {{id:id}} or {{id:prefix*}}"))?;
                (name, Holds::Prefix(prefix.to_owned()))
            }
        };
        let colon = before.strip_suffix(':').unwrap_or(before);
        if !is_word(name) || (!before.is_empty() && !is_word(colon)) {
            return Err(format!("{text:?} is not a path parameter"));
        }
        Ok(Self::Param(before.to_owned(), name.to_owned(), holds))
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(a), Self::Literal(b)) => a == b,
            (Self::Literal(literal), Self::Param(before, _, holds))
            | (Self::Param(before, _, holds), Self::Literal(literal)) => {
                literal.strip_prefix(before.as_str()).is_some_and(|value| holds.accepts(value))
            }
            (Self::Param(a, _, holds_a), Self::Param(b, _, holds_b)) => match (a.is_empty(), b.is_empty()) {
                (true, true) => holds_a.overlaps(holds_b),
                (false, false) => a == b && holds_a.overlaps(holds_b),
                // A literal prefix ends in a colon, which no plain parameter holds.
                (true, false) | (false, true) => false,
            },
        }
    }
}

impl PathTemplate {
    /// Parses `source`. A final `/**` stands for one or more segments.
    pub fn parse(source: &str, slash: bool, versioned: bool) -> Result<Self, String> {
        let rest = source.strip_prefix('/').ok_or("a path begins with /")?;
        let (rest, tail) = match rest.strip_suffix("/**").or((rest == "**").then_some("")) {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let segments =
            if rest.is_empty() { Vec::new() } else { rest.split('/').map(Segment::parse).collect::<Result<_, _>>()? };
        Ok(Self { source: source.to_owned(), segments, tail, slash, versioned })
    }

    /// Names of its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Param(_, name, _) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// Whether it ends in `/**`.
    pub fn has_tail(&self) -> bool {
        self.tail
    }

    /// A path that it matches, for canaries at start-up.
    pub fn example(&self) -> String {
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            match segment {
                Segment::Literal(text) => path.push_str(text),
                Segment::Param(before, _, holds) => {
                    path.push_str(before);
                    path.push_str(match holds {
                        Holds::Word | Holds::Digits | Holds::Id => "1",
                        Holds::Prefix(prefix) => prefix,
                    });
                    if matches!(holds, Holds::Prefix(_)) {
                        path.push('1');
                    }
                }
            }
        }
        if self.tail || path.is_empty() {
            path.push('/');
        }
        if self.tail {
            path.push_str("canary");
        }
        path
    }

    /// The path rebuilt and its parameters, if `segments` (of a path that ended in a slash or not) match.
    fn matches(&self, segments: &[&str], slash: bool) -> Option<(String, Vec<(String, String)>)> {
        let mut given = segments;
        let mut path = String::new();
        if self.versioned
            && let Some((first, rest)) = given.split_first()
            && is_version(first)
        {
            path.push('/');
            path.push_str(first);
            given = rest;
        }
        if given.len() < self.segments.len() || (!self.tail && given.len() > self.segments.len()) {
            return None;
        }
        if (self.tail && given.len() == self.segments.len()) || (slash && !self.slash && !segments.is_empty()) {
            return None;
        }
        let mut params = Vec::new();
        for (segment, &text) in self.segments.iter().zip(given) {
            path.push('/');
            path.push_str(text);
            match segment {
                Segment::Literal(literal) if literal == text => {}
                Segment::Literal(_) => return None,
                Segment::Param(before, name, holds) => {
                    let value = text.strip_prefix(before.as_str()).filter(|value| holds.accepts(value))?;
                    params.push((name.clone(), value.to_owned()));
                }
            }
        }
        if slash || path.is_empty() {
            path.push('/');
        }
        Some((path, params))
    }

    /// Whether some path is matched by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let lengths = match (self.tail, other.tail) {
            (false, false) => self.segments.len() == other.segments.len(),
            (true, false) => other.segments.len() > self.segments.len(),
            (false, true) => self.segments.len() > other.segments.len(),
            (true, true) => true,
        };
        lengths && self.segments.iter().zip(&other.segments).all(|(a, b)| a.overlaps(b))
    }
}

fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    segment
        .strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// Routes of one definition, by method and number of segments.
#[derive(Debug)]
pub struct Table {
    /// The definition they belong to.
    pub definition: Arc<Definition>,
    fixed: HashMap<(Method, usize), Vec<Arc<Route>>>,
    tails: Vec<Arc<Route>>,
}

/// A matched route with the rebuilt path and its parameters.
pub type Match = (Arc<Route>, String, Vec<(String, String)>);

impl Table {
    /// The table of these routes.
    pub fn new(definition: Arc<Definition>, routes: &[Arc<Route>]) -> Self {
        let mut fixed: HashMap<(Method, usize), Vec<Arc<Route>>> = HashMap::new();
        let mut tails = Vec::new();
        for route in routes {
            if route.path.tail {
                tails.push(route.clone());
                continue;
            }
            for method in &route.methods {
                let len = route.path.segments.len();
                fixed.entry((method.clone(), len)).or_default().push(route.clone());
                if route.path.versioned {
                    fixed.entry((method.clone(), len + 1)).or_default().push(route.clone());
                }
            }
        }
        Self { definition, fixed, tails }
    }

    /// The route for this method, host and path, if there is one. `None` in the error: the path is not one that any
    /// definition can write (dot segments, percent, empty segments).
    pub fn find(&self, method: &Method, host: &str, path: &str) -> Result<Option<Match>, BadPath> {
        let rest = path.strip_prefix('/').ok_or(BadPath)?;
        let (rest, slash) = match rest.strip_suffix('/') {
            Some(rest) => (rest, true),
            None => (rest, rest.is_empty()),
        };
        let segments: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split('/').collect() };
        let plain = |segment: &&str| match segment.split_once(':') {
            Some((before, after)) => is_word(before) && is_word(after),
            None => is_word(segment),
        };
        if (rest.is_empty() && path != "/") || !segments.iter().all(plain) {
            return Err(BadPath);
        }
        let fixed = self.fixed.get(&(method.clone(), segments.len())).into_iter().flatten();
        let tails = self.tails.iter().filter(|route| route.methods.contains(method));
        for route in fixed.chain(tails) {
            if route.hosts.iter().any(|pattern| pattern.accepts(host))
                && let Some((path, params)) = route.path.matches(&segments, slash)
            {
                return Ok(Some((route.clone(), path, params)));
            }
        }
        Ok(None)
    }
}

/// A path that no template can match, because of how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPath;

/// The tables of all definitions, by host.
#[derive(Debug, Default)]
pub struct Tables {
    exact: HashMap<String, Vec<Arc<Table>>>,
    suffix: Vec<(HostPattern, Arc<Table>)>,
}

impl Tables {
    /// Adds a definition's table under its hosts.
    pub fn add(&mut self, table: Table) {
        let table = Arc::new(table);
        for pattern in &table.definition.hosts {
            match pattern {
                HostPattern::Exact(host) => {
                    self.exact.entry(host.clone()).or_default().push(table.clone());
                }
                HostPattern::Suffix(_) => self.suffix.push((pattern.clone(), table.clone())),
            }
        }
    }

    /// The table for a host, or the first of those that share it.
    pub fn get(&self, host: &str) -> Option<&Arc<Table>> {
        self.all(host).first()
    }

    /// Every table for a host.
    pub fn all(&self, host: &str) -> &[Arc<Table>] {
        let suffix = || self.suffix.iter().find(|(pattern, _)| pattern.accepts(host));
        match self.exact.get(host) {
            Some(tables) => tables,
            None => suffix().map(|(_, table)| std::slice::from_ref(table)).unwrap_or_default(),
        }
    }
}

/// Why a query cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadQuery {
    /// Percent escapes, bytes or shape that two readers could take differently.
    Shape,
    /// The same key twice.
    Repeated,
}

/// Pairs of one query or form: each takes many times its length in memory.
const PAIRS: usize = 256;

/// Decodes `a=b&c=d` strictly (WHATWG URL form encoding): every pair has one `=`, escapes are whole, text is UTF-8,
/// nothing but printable ASCII stands outside escapes, `;` never separates.
pub fn decode_pairs(text: &str, may_repeat: &dyn Fn(&str) -> bool) -> Result<Vec<(String, String)>, BadQuery> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for piece in text.split('&') {
        if pairs.len() >= PAIRS {
            return Err(BadQuery::Shape);
        }
        let (key, value) = piece.split_once('=').ok_or(BadQuery::Shape)?;
        if value.contains('=') {
            // Base64 padding is often left bare by clients; it can only be read one way.
            if value.trim_end_matches('=').contains('=') {
                return Err(BadQuery::Shape);
            }
        }
        let (key, value) = (decode(key)?, decode(value)?);
        if key.is_empty() {
            return Err(BadQuery::Shape);
        }
        if !seen.insert(key.clone()) && !may_repeat(&key) {
            return Err(BadQuery::Repeated);
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// Decodes one key or value.
fn decode(text: &str) -> Result<String, BadQuery> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut nibble = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (nibble().ok_or(BadQuery::Shape)?, nibble().ok_or(BadQuery::Shape)?);
                out.push(u8::try_from(high * 16 + low).map_err(|_| BadQuery::Shape)?);
            }
            b';' | b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}' | b'|' => return Err(BadQuery::Shape),
            b'!'..=b'~' => out.push(byte),
            _ => return Err(BadQuery::Shape),
        }
    }
    let text = String::from_utf8(out).map_err(|_| BadQuery::Shape)?;
    if text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(BadQuery::Shape);
    }
    Ok(text)
}

/// Everything but RFC 3986's unreserved characters, as OAuth 1.0a asks too (RFC 5849 section 3.6).
const RESERVED: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes pairs as a query or a form, in their order.
pub fn encode_pairs<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.extend(percent_encoding::utf8_percent_encode(key, &RESERVED));
        out.push('=');
        out.extend(percent_encoding::utf8_percent_encode(value, &RESERVED));
    }
    out
}

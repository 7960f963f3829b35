//! `steps = [...]`: what a request does as a step of an upload.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{ConditionFile, Reader};
use crate::recognise::definition::{BodyKind, Place, Step, StepRule};
use crate::recognise::words::place;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepFile {
    step: StepName,
    when: Option<ConditionFile>,
    session: Option<String>,
    number: Option<String>,
    id: Option<String>,
    alt: Option<String>,
    body: Option<BodyKind>,
    key: Option<String>,
    promise: Option<String>,
    total: Option<String>,
    from: Option<String>,
    #[serde(default)]
    unseen: Vec<ConditionFile>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StepName {
    OneShot,
    Init,
    Append,
    Finalize,
    Describe,
    Open,
    Begin,
    Range,
    Beside,
}

impl Reader<'_> {
    fn place(&mut self, span: &Range<usize>, text: Option<String>, name: &str) -> Option<Place> {
        let result = text.ok_or_else(|| format!("this step needs {name:?}")).and_then(|text| place(&text));
        self.take(span, result)
    }

    /// A place that need not be named; none in the outer sense: it is no place.
    fn maybe(&mut self, span: &Range<usize>, text: Option<String>) -> Option<Option<Place>> {
        match text {
            Some(text) => self.take(span, place(&text)).map(Some),
            None => Some(None),
        }
    }

    pub(super) fn step(&mut self, step: Spanned<StepFile>) -> Option<StepRule> {
        let span = step.span();
        let file = step.into_inner();
        let step = match file.step {
            StepName::OneShot => Step::OneShot {
                alt: match file.alt {
                    Some(alt) => Some(self.place(&span, Some(alt), "alt")?),
                    None => None,
                },
                body: file.body,
            },
            StepName::Open => Step::Open {
                key: file.key.unwrap_or_default(),
                promise: self.place(&span, file.promise, "promise")?,
                total: self.maybe(&span, file.total)?,
                unseen: file.unseen.into_iter().filter_map(|condition| self.condition(&span, condition)).collect(),
            },
            StepName::Begin => Step::Begin { total: self.maybe(&span, file.total)? },
            StepName::Range => Step::Range {
                session: self.place(&span, file.session, "session")?,
                from: self.maybe(&span, file.from)?,
                total: self.maybe(&span, file.total)?,
            },
            StepName::Init => Step::Init,
            StepName::Append => Step::Append {
                session: self.place(&span, file.session, "session")?,
                number: self.place(&span, file.number, "number")?,
            },
            StepName::Finalize => Step::Finalize { session: self.place(&span, file.session, "session")? },
            StepName::Describe => {
                Step::Describe { id: self.place(&span, file.id, "id")?, alt: self.place(&span, file.alt, "alt")? }
            }
            StepName::Beside => Step::Beside,
        };
        let when = match file.when {
            None => None,
            Some(condition) => Some(self.condition(&span, condition)?),
        };
        Some(StepRule { when, step })
    }
}

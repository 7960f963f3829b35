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
    Range,
    Beside,
}

impl Reader<'_> {
    fn place(&mut self, span: &Range<usize>, text: Option<String>, name: &str) -> Option<Place> {
        let result = text.ok_or_else(|| format!("this step needs {name:?}")).and_then(|text| place(&text));
        self.take(span, result)
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
                key: self.take(&span, file.key.ok_or_else(|| "this step needs \"key\"".to_owned()))?,
                promise: self.place(&span, file.promise, "promise")?,
                total: self.place(&span, file.total, "total")?,
                unseen: file.unseen.into_iter().filter_map(|condition| self.condition(&span, condition)).collect(),
            },
            StepName::Range => Step::Range { session: self.place(&span, file.session, "session")? },
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

//! Conditions, and what a definition says of publishing in two requests.

use std::ops::Range;

use serde::Deserialize;

use super::{ConditionFile, Reader};
use crate::domain::kept::Publication;
use crate::recognise::definition::{Condition, ContainerRule, ContainerStep};
use crate::recognise::words::place;

/// A step of publishing in two requests: what the container holds is what its publish publishes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContainerFile {
    step: StepName,
    id: Option<String>,
    /// It is this step only where all of these hold.
    #[serde(default)]
    when: Vec<ConditionFile>,
    /// How long the provider keeps what was made.
    #[serde(default = "a_day")]
    hours: u32,
    /// What publishes it, where the gateway releases the post itself: the last segment of the path, the query key that
    /// names the container, and the field of the container that says whether it is ready.
    then: Option<Publication>,
}

fn a_day() -> u32 {
    24
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StepName {
    /// A container is made; the answer names it.
    Make,
    /// A container is published.
    Publish,
}

impl Reader<'_> {
    pub(super) fn condition(&mut self, span: &Range<usize>, file: ConditionFile) -> Option<Condition> {
        let at = self.take(span, place(&file.at))?;
        let ConditionFile { equals, absent, says, beyond, has, .. } = file;
        Some(Condition { at, equals, absent, says, beyond, has })
    }

    pub(super) fn container(&mut self, span: &Range<usize>, file: ContainerFile) -> Option<ContainerRule> {
        let step = match file.step {
            StepName::Make => ContainerStep::Make { hours: file.hours, then: file.then },
            StepName::Publish => {
                let id = file.id.ok_or_else(|| "the publication of a container needs \"id\"".to_owned());
                ContainerStep::Publish { id: self.take(span, id.and_then(|id| place(&id)))? }
            }
        };
        let when = file.when.into_iter().map(|condition| self.condition(span, condition)).collect::<Option<_>>()?;
        Some(ContainerRule { step, when })
    }
}

//! What a request does as one of several: a step of an upload, a step of publishing in two requests.

use super::{BodyKind, Condition, Place};

/// What a request does as a step of an upload.
#[derive(Clone, Debug)]
pub struct StepRule {
    /// When it is this step.
    pub when: Option<Condition>,
    /// Which step.
    pub step: Step,
}

/// A step of an upload.
#[derive(Clone, Debug)]
pub enum Step {
    /// The whole medium.
    OneShot {
        /// Where its alternative text is, if it comes along.
        alt: Option<Place>,
        /// The one kind of body that it comes in; none: any that the route takes.
        body: Option<BodyKind>,
    },
    /// A session is opened by the words; the answer says where the bytes go.
    Open {
        /// The query key of the answer's `Location` that names the session; empty: the id that the answer gives.
        key: String,
        /// Where the hash of the medium is promised, in hex.
        promise: Place,
        /// Where the medium's length is told, if it is.
        total: Option<Place>,
        /// While all of these hold, nobody but the account sees the medium, so that none need be promised.
        unseen: Vec<Condition>,
    },
    /// A session is opened without a word of the post, which comes when the bytes have arrived; the answer names it.
    Begin {
        /// Where the medium's length is told, if it is.
        total: Option<Place>,
    },
    /// Bytes of such a session, by `Content-Range` (RFC 9110 section 14.4), or the question how many have arrived.
    Range {
        /// Where the session is named.
        session: Place,
        /// Where the number of the first byte stands; none: in `Content-Range`.
        from: Option<Place>,
        /// Where the number of bytes in all stands, besides.
        total: Option<Place>,
    },
    /// A session is opened.
    Init,
    /// A part.
    Append {
        /// Where the session is named.
        session: Place,
        /// Where the part's number is.
        number: Place,
    },
    /// The medium is complete.
    Finalize {
        /// Where the session is named.
        session: Place,
    },
    /// Alternative text.
    Describe {
        /// Where the medium is named.
        id: Place,
        /// Where the text is.
        alt: Place,
    },
    /// Neither of these: a status question in a POST, a thing beside the medium.
    Beside,
}

/// What a request does with containers, where all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRule {
    /// What it does.
    pub step: ContainerStep,
    /// The conditions.
    pub when: Vec<Condition>,
}

/// A step of publishing in two requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerStep {
    /// It makes one.
    Make {
        /// How long the provider keeps it.
        hours: u32,
        /// What publishes it.
        then: Option<crate::domain::kept::Publication>,
    },
    /// It publishes the one that is named here.
    Publish {
        /// Where the container is named.
        id: Place,
    },
}

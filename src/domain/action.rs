//! What a request does at the provider.

use serde::{Deserialize, Serialize};

/// The action of a request, as the guidelines speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// 発信: a new post that the public can read.
    Publish,
    /// A change of something that was published.
    Edit,
    /// Removal of something that was published.
    Delete,
    /// 返信 to somebody (練馬 第14条). A continuation of the account's own thread is a `Publish`.
    Reply,
    /// ダイレクトメッセージ, LINE push and reply (練馬 第14条).
    DirectMessage,
    /// 引用 with words of one's own (練馬 第13条).
    Quote,
    /// 引用 without words, リツイート (練馬 第13条).
    Repost,
    /// Following or unfollowing (長野 4(12)).
    Follow,
    /// Liking, bookmarking and their undoing.
    Like,
    /// Media or text that a later request publishes.
    Upload,
    /// A post that the provider itself publishes later.
    Schedule,
    /// Name, picture, description or menu of the account (練馬 第10条第1項).
    Profile,
    /// Anything that changes nothing.
    Read,
    /// Obtaining or revoking a provider credential.
    SignIn,
    /// A described write that is none of the above.
    Other,
}

impl Action {
    /// All actions, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::Publish,
        Self::Edit,
        Self::Delete,
        Self::Reply,
        Self::DirectMessage,
        Self::Quote,
        Self::Repost,
        Self::Follow,
        Self::Like,
        Self::Upload,
        Self::Schedule,
        Self::Profile,
        Self::Read,
        Self::SignIn,
        Self::Other,
    ];

    /// The stable name used in digests, approvals, facts and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Reply => "reply",
            Self::DirectMessage => "direct-message",
            Self::Quote => "quote",
            Self::Repost => "repost",
            Self::Follow => "follow",
            Self::Like => "like",
            Self::Upload => "upload",
            Self::Schedule => "schedule",
            Self::Profile => "profile",
            Self::Read => "read",
            Self::SignIn => "sign-in",
            Self::Other => "other",
        }
    }

    /// Whether the public may see something new or different by it, so that an approval is asked for.
    ///
    /// An upload shows nothing by itself; the post that names it is judged with its bytes.
    pub fn needs_approval(self) -> bool {
        !matches!(self, Self::Read | Self::SignIn | Self::Upload)
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

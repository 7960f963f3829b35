//! The posts: 280 Japanese characters each, no two alike, built before they are timed.

use bytes::Bytes;
use sekisho::domain::account::ProviderId;
use sekisho::domain::action::Action;
use sekisho::domain::digest;
use sekisho::domain::post::{Field, Post, Role};
use sekisho::domain::tree::Tree;

/// Characters of a post.
const LENGTH: usize = 280;
/// What a ward writes on an ordinary day; repeated up to the length.
const ORDINARY: &str = "区立中央公園の花壇が見ごろを迎えました。ボランティアの皆さまが春から育ててきた花々が、\
    色とりどりに咲いています。園内にはベンチと水飲み場がありますので、お散歩の途中にぜひお立ち寄りください。\
    駐輪場は南側の入口にあります。車いすやベビーカーでもご覧いただけます。";
/// Numbers are written in kanji, so that no rule takes them for somebody's number.
const DIGITS: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// Makes posts, each with the next number in its text.
#[derive(Default)]
pub(crate) struct Writer(u64);

/// A post's text.
pub(crate) struct Written(String);

impl Writer {
    /// The next `count` posts.
    pub(crate) fn write(&mut self, count: usize) -> Vec<Written> {
        let posts = self.0..self.0 + count as u64;
        self.0 = posts.end;
        posts.map(|number| Written(text(number))).collect()
    }
}

fn text(number: u64) -> String {
    let digits = format!("{number:09}");
    let kanji = digits.chars().filter_map(|digit| DIGITS.get(digit.to_digit(10)? as usize));
    "掲示".chars().chain(kanji.copied()).chain(['。']).chain(ORDINARY.chars().cycle()).take(LENGTH).collect()
}

impl Written {
    /// The body of `POST /2/tweets`.
    pub(crate) fn body(&self) -> Bytes {
        Bytes::from(serde_json::json!({ "text": self.0 }).to_string())
    }

    /// The digest that an approval of this post names.
    pub(crate) fn digest(&self) -> String {
        let field = Field { role: Role::Text, at: "/text".to_owned(), value: Tree::Text(self.0.clone()) };
        let mut post = Post { fields: vec![field], ..Post::default() };
        // The route is part of what is approved: the same text means something else on another.
        post.audience.insert("means".to_owned(), Tree::Text("tweet-create".to_owned()));
        digest::digest(&ProviderId::new("x"), Action::Publish, None, &post).to_string()
    }
}

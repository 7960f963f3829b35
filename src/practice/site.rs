//! The body's own website, from which posts name pictures and films by URL. A picture stands at every path until a test
//! puts something else there, and a page (`.html`) only where a test puts one; `/away?to=URL` leads elsewhere, `/round` in a circle. What is asked for here is no provider's business, so it is
//! on a list of its own.

use std::collections::BTreeMap;

use http::StatusCode;

use super::exchange::Answer;
use crate::domain::media::Sha256;

/// The hosts of the website.
pub const SITES: [&str; 3] = ["www.city.example", "www.city.nagano.nagano.jp", "go.example"];

/// The website's state.
#[derive(Default)]
pub(super) struct State {
    pages: BTreeMap<String, Vec<u8>>,
    /// Paths that lead elsewhere.
    leads: BTreeMap<String, String>,
    /// Paths that were asked for, in order.
    pub(super) visits: Vec<String>,
}

impl State {
    /// Puts these bytes at a path.
    pub(super) fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.pages.insert(path.to_owned(), bytes);
    }

    /// Lets a path lead elsewhere.
    pub(super) fn lead(&mut self, path: &str, to: &str) {
        self.leads.insert(path.to_owned(), to.to_owned());
    }

    /// Answers a visitor.
    pub(super) fn answer(&mut self, path: &str, query: &[(String, String)]) -> Answer {
        self.visits.push(path.to_owned());
        if let Some(to) = self.leads.get(path) {
            let answer = Answer { status: StatusCode::MOVED_PERMANENTLY, ..Answer::empty() };
            return answer.with("location", to.clone());
        }
        if let Some((_, to)) = query.iter().find(|(key, _)| path == "/away" && key == "to") {
            let answer = Answer { status: StatusCode::FOUND, ..Answer::empty() };
            return answer.with("location", to.clone());
        }
        if path == "/round" {
            let answer = Answer { status: StatusCode::TEMPORARY_REDIRECT, ..Answer::empty() };
            return answer.with("location", "/round");
        }
        if path.ends_with(".html") {
            let Some(body) = self.pages.get(path).cloned() else {
                return Answer { status: StatusCode::NOT_FOUND, ..Answer::empty() };
            };
            return Answer { status: StatusCode::OK, content_type: "text/html", headers: BTreeMap::new(), body };
        }
        let film = path.ends_with(".mp4");
        let body = self.pages.get(path).cloned().unwrap_or_else(|| if film { film_of(path) } else { picture_of(path) });
        let content_type = if film { "video/mp4" } else { "image/png" };
        Answer { status: StatusCode::OK, content_type, headers: BTreeMap::new(), body }
    }
}

/// The picture that stands at a path, a PNG of 8 by 8 pixels: their greys come from the path, so that each is another.
pub fn picture_of(path: &str) -> Vec<u8> {
    let greys = Sha256::of(path.as_bytes()).hex();
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(greys.as_bytes()));
    if let Err(error) = written {
        tracing::error!(%error, "a picture for practice could not be drawn");
    }
    picture
}

/// The film that stands at a path: a file of ISO media without a track, the path where its pictures would be.
pub fn film_of(path: &str) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], data: &[u8]| {
        let len = u32::try_from(data.len() + 8).unwrap_or(u32::MAX).to_be_bytes();
        [len.as_slice(), kind, data].concat()
    };
    [boxed(b"ftyp", b"isom\0\0\x02\0isommp41"), boxed(b"moov", &[]), boxed(b"mdat", path.as_bytes())].concat()
}

//! Copies: one address for the same bytes, none that can be guessed, none for ever, and a limit to all of them.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::clock::SystemClock;

#[derive(Default)]
struct Later(Mutex<SignedDuration>);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}

fn copies(dir: &Path, store_bytes: u64, clock: Arc<dyn Clock>) -> Arc<Copies> {
    let config = Media {
        public_url: Some("https://media.city.example/".to_owned()),
        dir: dir.join("media"),
        key_file: dir.join("media.key"),
        keep_hours: 2,
        store_bytes,
        ..Media::default()
    };
    Copies::open(&config, clock).unwrap().unwrap()
}

fn spool(copies: &Copies, bytes: &[u8]) -> Spool {
    let path = copies.dir.join(format!("{}.part", uuid::Uuid::new_v4()));
    std::fs::write(&path, bytes).unwrap();
    Spool::new(path, bytes.len() as u64, Sha256::of(bytes))
}

#[test]
fn the_same_bytes_have_one_address_over_a_restart_and_another_house_has_another() {
    let dir = tempfile::tempdir().unwrap();
    let first = copies(dir.path(), 1_000, Arc::new(SystemClock));
    let url = first.put(&spool(&first, b"one"), MediaKind::Png).unwrap();
    assert!(url.starts_with("https://media.city.example/media/") && url.ends_with(".png"), "{url}");
    assert!(!url.contains(&Sha256::of(b"one").hex()), "whoever has the bytes cannot tell that they wait here");
    let again = copies(dir.path(), 1_000, Arc::new(SystemClock));
    assert_eq!(again.put(&spool(&again, b"one"), MediaKind::Png).unwrap(), url);
    assert_ne!(again.put(&spool(&again, b"two"), MediaKind::Png).unwrap(), url);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = copies(elsewhere.path(), 1_000, Arc::new(SystemClock));
    assert_ne!(other.put(&spool(&other, b"one"), MediaKind::Png).unwrap(), url);
}

#[test]
fn a_copy_is_found_by_its_name_alone_and_until_its_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Later::default());
    let copies = copies(dir.path(), 1_000, clock.clone());
    let url = copies.put(&spool(&copies, b"one"), MediaKind::Png).unwrap();
    let name = url.rsplit('/').next().unwrap();
    let copy = copies.find(name).unwrap();
    assert_eq!((copy.len, copy.kind), (3, MediaKind::Png));
    std::fs::write(dir.path().join("secret.png"), b"x").unwrap();
    for other in ["../secret.png", "../media.key", "", ".png", &name.to_uppercase(), &name.replace(".png", ".jpg")] {
        assert!(copies.find(other).is_none(), "{other}");
    }
    *clock.0.lock().unwrap() = SignedDuration::from_hours(3);
    assert!(copies.find(name).is_none());
    copies.sweep().unwrap();
    assert!(!copies.dir.join(name).exists(), "and its room is free again");
}

#[test]
fn all_copies_together_have_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let copies = copies(dir.path(), 5, Arc::new(SystemClock));
    copies.put(&spool(&copies, b"one"), MediaKind::Png).unwrap();
    assert!(copies.put(&spool(&copies, b"four"), MediaKind::Png).is_err());
    copies.put(&spool(&copies, b"one"), MediaKind::Png).unwrap();
}

/// Posts that come together are at the directory together: files of one arrive and go while another counts them.
#[test]
fn copies_made_at_the_same_time_do_not_disturb_each_other_and_keep_the_limit() {
    const TOOLS: usize = 6;
    const EACH: usize = 60;
    let dir = tempfile::tempdir().unwrap();
    // Room for half of what the tools bring: every copy is six bytes long.
    let room = (TOOLS * EACH / 2 * 6) as u64;
    let copies = copies(dir.path(), room, Arc::new(SystemClock));
    let made = std::thread::scope(|scope| {
        let tools: Vec<_> = (0..TOOLS)
            .map(|tool| {
                let copies = &copies;
                scope.spawn(move || {
                    let put = |n: usize| {
                        drop(spool(copies, b"was let go"));
                        copies.put(&spool(copies, format!("{tool}{n:05}").as_bytes()), MediaKind::Png)
                    };
                    (0..EACH).map(put).collect::<Vec<_>>()
                })
            })
            .collect();
        tools.into_iter().flat_map(|tool| tool.join().unwrap()).collect::<Vec<_>>()
    });
    let failed: Vec<String> = made.iter().filter_map(|made| made.as_ref().err().map(ToString::to_string)).collect();
    assert_eq!(made.len(), TOOLS * EACH);
    assert!(failed.iter().all(|why| why.contains("store_bytes")), "{failed:?}");
    assert_eq!(failed.len(), TOOLS * EACH / 2, "no more and no fewer than there is room for");
    let kept: Vec<_> = made.into_iter().flatten().collect();
    assert!(kept.iter().all(|url| copies.find(url.rsplit('/').next().unwrap()).is_some()));
}

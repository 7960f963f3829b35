//! Nobody's words lead the gateway into the office: every form of address, every answer of a resolver, every hop.

use std::sync::Mutex;

use super::*;
use crate::practice::{Authority, Practice, picture_of};

/// A resolver that gives these answers, one a call, and notes what it was asked.
fn answering(answers: Vec<Vec<&'static str>>) -> (Lookup, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (noted, answers) = (Arc::clone(&asked), Arc::new(Mutex::new(answers.into_iter())));
    let lookup: Lookup = Arc::new(move |name| {
        noted.lock().unwrap().push(name);
        let answer = answers.lock().unwrap().next();
        Box::pin(async move {
            let addresses = answer.ok_or_else(|| std::io::Error::other("no such name"))?;
            Ok(addresses.into_iter().map(|address| address.parse().unwrap()).collect())
        })
    });
    (lookup, asked)
}

fn page(url: &str) -> Errand {
    Errand { url: url.to_owned(), wants: Wants::Page }
}

#[tokio::test]
async fn no_form_of_an_address_inside_the_office_is_called() {
    let (lookup, asked) = answering(Vec::new());
    let fetcher = Fetcher::with(&Media::default(), &Forward::default(), lookup, false).unwrap();
    let forms = [
        ("https://127.0.0.1/", Unfetched::Private),
        ("https://127.1/", Unfetched::Private),
        ("https://2130706433/", Unfetched::Private),
        ("https://0x7f000001/", Unfetched::Private),
        ("https://0177.0.0.1/", Unfetched::Private),
        ("https://127.0.0.1./", Unfetched::Private),
        ("https://\u{ff11}27.0.0.1/", Unfetched::Private),
        ("https://127\u{3002}0\u{3002}0\u{3002}1/", Unfetched::Private),
        ("https://%31%32%37.0.0.1/", Unfetched::Private),
        ("https://0/", Unfetched::Private),
        ("https://0.0.0.0/", Unfetched::Private),
        ("https://10.0.0.1/", Unfetched::Private),
        ("https://172.16.0.1/", Unfetched::Private),
        ("https://192.168.0.1/", Unfetched::Private),
        ("https://169.254.169.254/latest/meta-data/", Unfetched::Private),
        ("https://100.64.0.1/", Unfetched::Private),
        ("https://224.0.0.1/", Unfetched::Private),
        ("https://255.255.255.255/", Unfetched::Private),
        ("https://[::]/", Unfetched::Private),
        ("https://[::1]/", Unfetched::Private),
        ("https://[::ffff:127.0.0.1]/", Unfetched::Private),
        ("https://[::ffff:7f00:1]/", Unfetched::Private),
        ("https://[64:ff9b::7f00:1]/", Unfetched::Private),
        ("https://[2002:7f00:1::]/", Unfetched::Private),
        ("https://[fe80::1]/", Unfetched::Private),
        ("https://[fd00::1]/", Unfetched::Private),
        ("https://localhost/", Unfetched::Private),
        ("https://LOCALHOST/", Unfetched::Private),
        ("https://a.localhost/", Unfetched::Private),
        ("https://intranet/", Unfetched::Private),
        ("https://printer.local/", Unfetched::Private),
        ("https://metadata.google.internal/", Unfetched::Private),
        ("http://www.city.example/", Unfetched::Form),
        ("ftp://www.city.example/", Unfetched::Form),
        ("file:///etc/passwd", Unfetched::Form),
        ("gopher://127.0.0.1:25/_x", Unfetched::Form),
        ("data:image/png;base64,AAAA", Unfetched::Form),
        ("https://www.city.example:22/", Unfetched::Form),
        ("https://user@www.city.example/", Unfetched::Form),
        ("https://127.0.0.1@www.city.example/", Unfetched::Form),
        ("https://[::1", Unfetched::Form),
        ("https://", Unfetched::Form),
        ("//www.city.example/", Unfetched::Form),
        ("", Unfetched::Form),
    ];
    for (url, why) in forms {
        assert_eq!(fetcher.fetch(page(url)).await.unwrap_err(), why, "{url}");
    }
    assert_eq!(asked.lock().unwrap().len(), 0, "no name was looked up");
}

#[tokio::test]
async fn a_name_that_leads_into_the_office_is_not_called_not_even_if_it_leads_elsewhere_too() {
    let answers = vec![
        vec!["127.0.0.1"],
        vec!["10.1.2.3"],
        vec!["::1"],
        vec!["::ffff:10.0.0.1"],
        vec!["169.254.169.254"],
        vec!["203.104.150.2", "192.168.0.1"],
    ];
    let tries = answers.len();
    let (lookup, asked) = answering(answers);
    let fetcher = Fetcher::with(&Media::default(), &Forward::default(), lookup, false).unwrap();
    for _ in 0..tries {
        let errand = page("https://rebinding.example/");
        assert_eq!(fetcher.fetch(errand).await.unwrap_err(), Unfetched::Private);
    }
    assert_eq!(asked.lock().unwrap().len(), tries, "each name is looked up once");
    assert_eq!(fetcher.fetch(page("https://nobody.example/")).await.unwrap_err(), Unfetched::Unreachable);
}

/// A fetcher to the practice website.
async fn to_site(
    change: impl FnOnce(&mut Media),
    answers: Vec<Vec<&'static str>>,
) -> (Practice, Fetcher, tempfile::TempDir) {
    let clock = Arc::new(crate::domain::clock::SystemClock);
    let site = Practice::start("127.0.0.1:0".parse().unwrap(), Authority::make().unwrap(), clock).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, site.ca_pem()).unwrap();
    let mut config = Media {
        dir: dir.path().to_owned(),
        upstream: [("www.city.example".to_owned(), site.address())].into(),
        upstream_ca: Some(ca),
        ..Media::default()
    };
    change(&mut config);
    let fetcher = Fetcher::with(&config, &Forward::default(), answering(answers).0, false).unwrap();
    (site, fetcher, dir)
}

#[tokio::test]
async fn each_hop_of_a_way_is_looked_at_as_if_it_were_the_first() {
    let (site, fetcher, _dir) = to_site(|_| {}, vec![vec!["10.0.0.1"]]).await;
    let away = |to: &str| page(&format!("https://www.city.example/away?to={to}"));
    for (to, why) in [
        ("https://127.0.0.1/", Unfetched::Private),
        ("https://rebinding.example/", Unfetched::Private),
        ("//169.254.169.254/", Unfetched::Private),
        ("http://www.city.example/", Unfetched::Form),
        ("javascript:alert(1)", Unfetched::Form),
        ("https://:443/", Unfetched::Redirects),
    ] {
        assert_eq!(fetcher.fetch(away(to)).await.unwrap_err(), why, "{to}");
    }
    let way = Errand { wants: Wants::Way, ..away("/a.png%23part") };
    let fetched = fetcher.fetch(way).await.unwrap();
    assert_eq!(fetched.way.last().map(String::as_str), Some("https://www.city.example/a.png"));
    assert_eq!((fetched.way.len(), fetched.body.len()), (2, 0));
    assert_eq!(site.site_visits().len(), 8, "six that led nowhere, and the two of the last way");
}

#[tokio::test]
async fn a_medium_is_hashed_and_left_on_the_disk_only_while_somebody_holds_it() {
    let (_site, fetcher, dir) = to_site(|_| {}, Vec::new()).await;
    let errand = Errand { url: "https://www.city.example/a.png".to_owned(), wants: Wants::Media };
    let fetched = fetcher.fetch(errand).await.unwrap();
    let OutBody::Spool(spool) = fetched.body else { panic!("a spool") };
    assert_eq!(spool.sha256, crate::domain::media::Sha256::of(&picture_of("/a.png")));
    assert_eq!(std::fs::read(spool.path()).unwrap(), picture_of("/a.png"));
    assert_eq!(fetched.kind, Some(crate::domain::fetch::MediaKind::Png));
    let path = spool.path().to_owned();
    drop(spool);
    assert!(!path.exists() && dir.path().exists());
}

#[tokio::test]
async fn only_hosts_of_the_list_are_called_where_there_is_one() {
    let list = |media: &mut Media| media.hosts = vec!["*.town.example".to_owned()];
    let (_site, fetcher, _dir) = to_site(list, Vec::new()).await;
    assert_eq!(fetcher.fetch(page("https://www.other.example/")).await.unwrap_err(), Unfetched::Host);
    assert!(fetcher.fetch(page("https://www.city.example/")).await.is_ok(), "`upstream` names it");
}

fn probe() -> crate::config::inspect::Probe {
    crate::config::inspect::Probe { on: true, ..Default::default() }
}

/// A prober to the practice website.
async fn to_lead(answers: Vec<Vec<&'static str>>) -> (Practice, Fetcher, tempfile::TempDir) {
    let (site, fetcher, dir) = to_site(|media| *media = way::as_media(&probe(), media), answers).await;
    (site, Fetcher { plain: true, ..fetcher }, dir)
}

#[tokio::test]
async fn a_way_is_told_hop_by_hop_and_stops_before_the_office() {
    let (site, fetcher, _dir) = to_lead(vec![vec!["10.0.0.1"]]).await;
    let start = "https://www.city.example/s";
    site.lead_from_site("/s", "https://www.city.example/t");
    site.lead_from_site("/t", "/u#part");
    let way = fetcher.way(start).await;
    assert_eq!(way.called, [start, "https://www.city.example/t", "https://www.city.example/u"]);
    assert_eq!((way.end, way.stopped_at), (Ok(200), None));
    for (to, why) in [
        ("https://127.0.0.1/admin", Unfetched::Private),
        ("http://169.254.169.254/latest/meta-data/", Unfetched::Private),
        ("https://rebinding.example/", Unfetched::Private),
        ("ftp://www.city.example/", Unfetched::Form),
        ("https://www.city.example:22/", Unfetched::Form),
    ] {
        let visits = site.site_visits().len();
        site.lead_from_site("/s", to);
        let way = fetcher.way(start).await;
        assert_eq!((way.called.as_slice(), way.end), ([start.to_owned()].as_slice(), Err(why)), "{to}");
        assert_eq!(way.stopped_at.as_deref(), Some(to));
        assert_eq!(site.site_visits().len(), visits + 1, "{to}: only the first was called");
    }
}

#[tokio::test]
async fn an_endless_way_ends() {
    let (site, fetcher, _dir) = to_lead(Vec::new()).await;
    let way = fetcher.way("https://www.city.example/round").await;
    assert_eq!((way.end, way.called.len()), (Err(Unfetched::Redirects), probe().redirects + 1));
    assert_eq!(site.site_visits().len(), probe().redirects + 1);
    assert_eq!(fetcher.way("https://").await.end, Err(Unfetched::Form));
}

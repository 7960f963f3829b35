//! The way round the gate is closed by rules that are written from the definitions' hosts.

use http::Method;
use sekisho::recognise::Definitions;

use crate::house::House;
use crate::stage::Town;

#[tokio::test(flavor = "multi_thread")]
async fn the_console_serves_a_pac_that_names_every_api_host_and_the_gateway() {
    let town = Town::start_with(|config| config.listen.names.insert(0, "sekisho.city.example".to_owned())).await;
    let pac = town.console("", Method::GET, "/proxy.pac", None).await;
    assert_eq!(pac.header("content-type"), "application/x-ns-proxy-autoconfig");
    let text = String::from_utf8(pac.body.to_vec()).unwrap();
    let way = format!("return \"PROXY sekisho.city.example:{}\"", town.running.gateway.port());
    for host in ["api.x.com", "api.twitter.com", "upload.x.com", "api.line.me", "api-data.line.me"] {
        assert!(text.contains(&format!("if (host === \"{host}\") {way};")), "{host}: {text}");
    }
    assert_eq!(text.matches("return").count(), text.matches("if (").count() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_writes_all_three_and_asks_for_an_address_where_one_is_needed() {
    let house = House::start("info").await;
    let egress = |more: &[&str]| {
        let mut words = vec!["egress"];
        words.extend(more);
        house.command(&words, "")
    };
    let pac = egress(&["--format", "pac", "--gateway", "gate.example", "--port", "8443"]);
    assert!(pac.code == 0 && pac.out.contains("PROXY gate.example:8443"), "{} {}", pac.out, pac.err);
    let nft = egress(&["--format", "nft", "--gateway", "10.0.0.5", "--from", "10.1.0.0/16"]);
    let port = house.gateway.port();
    assert!(
        nft.out.contains(&format!("ip saddr 10.1.0.0/16 ip daddr 10.0.0.5 tcp dport {port} accept")),
        "{}",
        nft.out
    );
    let squid = egress(&["--format", "squid", "--gateway", "10.0.0.5"]);
    assert!(squid.out.contains("acl sekisho_web dstdomain x.com\n") && squid.out.contains("deny sekisho_api"));
    let named = egress(&["--format", "nft", "--gateway", "gate.example"]);
    assert!(named.code == 2 && named.out.is_empty(), "{}", named.out);
    let odd = egress(&["--format", "nft", "--gateway", "10.0.0.5", "--from", "any; accept"]);
    assert!(odd.code == 2 && odd.out.is_empty(), "{}", odd.out);
}

#[test]
fn every_definition_that_ships_names_the_pages_on_which_people_post() {
    let definitions = Definitions::built_in().unwrap();
    let pages = definitions.web_hosts();
    assert!(pages.len() >= 10, "{pages:?}");
    for page in ["x.com", "manager.line.biz"] {
        assert!(pages.iter().any(|it| it == page), "{page}");
    }
}

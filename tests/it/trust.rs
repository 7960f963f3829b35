//! Python's and Node's own TLS: given only `root.pem`, both take the gateway's leaf through the name-constrained
//! intermediate, and both refuse a leaf for a name outside the constraints that the stolen intermediate key signed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::stage::Town;

/// argv: root.pem, address, port, server name, then the CONNECT target or `-`. As Python 3.13 sets its defaults.
const PYTHON: &str = r#"
import socket, ssl, sys
root, address, port, name, target = sys.argv[1:]
sock = socket.create_connection((address, int(port)), timeout=20)
if target != "-":
    sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 200"), head
context = ssl.create_default_context(cafile=root)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
try:
    with context.wrap_socket(sock, server_hostname=name) as tls:
        print("accepted", tls.getpeercert()["subjectAltName"])
except ssl.SSLCertVerificationError as error:
    print("refused", error.verify_message)
"#;

const NODE: &str = r#"
const [root, address, port, name, target] = process.argv.slice(1);
const fs = require("fs"), net = require("net"), tls = require("tls");
const socket = net.connect(Number(port), address);
const shake = () => {
  const secure = tls.connect({ socket, servername: name, ca: fs.readFileSync(root), rejectUnauthorized: true });
  secure.on("secureConnect", () => { console.log("accepted", secure.getPeerCertificate().subjectaltname); process.exit(0); });
  secure.on("error", (error) => { console.log("refused", error.code, error.message); process.exit(0); });
};
socket.on("error", (error) => { console.log("broken", error.message); process.exit(1); });
socket.on("connect", () => {
  if (target === "-") return shake();
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  let head = "";
  const read = (piece) => {
    head += piece.toString("latin1");
    if (!head.endsWith("\r\n\r\n")) return;
    socket.removeListener("data", read);
    if (!head.startsWith("HTTP/1.1 200")) { console.log("broken", head); process.exit(1); }
    shake();
  };
  socket.on("data", read);
});
setTimeout(() => { console.log("broken: no end"); process.exit(1); }, 30000);
"#;

/// Names outside the constraints, one of them a provider's own domain above its API hosts.
const OUTSIDE: [&str; 3] = ["www.city.nerima.tokyo.jp", "api.x.com.example.jp", "x.com"];

/// What the client says of the server at `at`.
async fn asked(
    program: &'static str,
    root: PathBuf,
    at: SocketAddr,
    name: &'static str,
    target: &'static str,
) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let (flag, script) = if program == "node" { ("-e", NODE) } else { ("-c", PYTHON) };
        let mut command = Command::new(program);
        command.arg(flag).arg(script);
        if program == "node" {
            command.arg("--");
        }
        command.arg(root).arg(at.ip().to_string()).arg(at.port().to_string()).arg(name).arg(target);
        let output = command.output().unwrap_or_else(|error| {
            panic!("{program} cannot be run ({error}); this scene needs it, and tests/run installs it")
        });
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{program}: {said} {}", String::from_utf8_lossy(&output.stderr));
        said
    });
    asked.await.unwrap()
}

/// A server with a leaf for `name`, signed with the gateway's own intermediate key.
async fn server(town: &Town, name: &str) -> SocketAddr {
    let ca = town.config.listen.ca_dir.clone();
    let pem = |file: &str| std::fs::read_to_string(ca.join(file)).unwrap();
    let key = rcgen::KeyPair::from_pem(&pem("intermediate.key.pem")).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&pem("intermediate.pem"), key).unwrap();
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = params.signed_by(&leaf_key, &issuer).unwrap();
    let intermediate = CertificateDer::from_pem_slice(pem("intermediate.pem").as_bytes()).unwrap();
    let chain = vec![leaf.der().clone(), intermediate];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    address
}

async fn trusts_the_constrained_chain(program: &'static str, refused: &str) {
    let town = Town::start().await;
    let root = town.dir().join("only-root.pem");
    std::fs::write(&root, &town.running.root_pem).unwrap();
    assert_eq!(town.running.root_pem.matches("BEGIN CERTIFICATE").count(), 1);
    for (name, target) in [("api.x.com", "api.x.com:443"), ("api-data.line.me", "api-data.line.me:443")] {
        let said = asked(program, root.clone(), town.running.gateway, name, target).await;
        assert!(said.starts_with("accepted") && said.contains(name), "{program}, {name}: {said}");
    }
    // The same server with a name inside the constraints is taken, so that what refuses the other is its name.
    let inside = server(&town, "api.x.com").await;
    let said = asked(program, root.clone(), inside, "api.x.com", "-").await;
    assert!(said.starts_with("accepted"), "{program}: {said}");
    for name in OUTSIDE {
        let outside = server(&town, name).await;
        let said = asked(program, root.clone(), outside, name, "-").await;
        assert!(said.starts_with("refused") && said.contains(refused), "{program}, {name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_takes_the_leaf_and_refuses_one_outside_the_name_constraints() {
    trusts_the_constrained_chain("python3", "permitted subtree violation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_takes_the_leaf_and_refuses_one_outside_the_name_constraints() {
    trusts_the_constrained_chain("node", "permitted subtree violation").await;
}

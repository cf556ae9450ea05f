//! A hub behind TLS.

use tidings_http::Tls;
use tidings_testkit::certificate::Certificate;

use super::scene::Scene;

/// What a hub shows that has this certificate.
pub(crate) fn tls(certificate: &Certificate) -> Tls {
    Tls::from_pem(certificate.pem.as_bytes(), certificate.key.as_bytes()).unwrap()
}

/// A hub that shows a certificate.
pub(crate) async fn scene() -> (Scene, Certificate) {
    scene_with(|_| ()).await
}

pub(crate) async fn scene_with(change: impl FnOnce(&mut tidings_http::HttpConfig)) -> (Scene, Certificate) {
    let certificate = Certificate::new();
    let scene = Scene::with(|config| {
        config.tls = Some(tls(&certificate));
        change(config);
    });
    (scene.await, certificate)
}

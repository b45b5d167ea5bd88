//! TLS of requests that leave this server: ring.

use rustls::crypto::ring as provider;

/// Makes ring the provider of every TLS client of this process that names none.
pub fn use_ring() {
    // The first one stays; a second call changes nothing.
    let _ = provider::default_provider().install_default();
}

//! Names resolved to addresses, of which only the granted ones are handed on.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{Semaphore, oneshot};

use super::addresses;
use super::fetcher::FetchError;

/// Lookups of one client at once. The system's cannot be given up: one whose plugin is gone
/// still counts, or a name server of the plugin's could hold threads without end.
const LOOKUPS: usize = 8;

/// Finds the addresses of a name for [`HttpClient`](super::HttpClient), which connects to the
/// granted ones among them.
///
/// Called on a thread that is there for it, and may block. Any
/// `Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync` is one.
pub trait Resolver: Send + Sync {
    /// The addresses of `name`, the best first.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from knowing them.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

impl<F: Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync> Resolver for F {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self(name)
    }
}

/// Asks the system, as every program does.
pub(super) fn ask_system(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// A resolver, and how often it is being asked.
#[derive(Clone)]
pub(super) struct Lookup {
    resolver: Arc<dyn Resolver>,
    under_way: Arc<Semaphore>,
}

impl Lookup {
    pub(super) fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, under_way: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    async fn addresses(self, name: String) -> Result<Vec<IpAddr>, FetchError> {
        let failed = || FetchError::failed(format!("the name {name} could not be resolved"));
        let permit = self.under_way.acquire_owned().await.map_err(|_| failed())?;
        let (answer, answered) = oneshot::channel();
        let asked = name.clone();
        let lookup = move || {
            let addresses = self.resolver.resolve(&asked);
            drop(permit);
            // Nobody may be left to hear it.
            let _ = answer.send(addresses);
        };
        std::thread::Builder::new()
            .name("plugin-lookup".into())
            .spawn(lookup)
            .map_err(|_| failed())?;
        let addresses = answered.await.map_err(|_| failed())?;
        addresses.map_err(|_| failed())
    }
}

/// Hands on those addresses of a name that are granted. Connections are made to what it answers,
/// and to nothing that is looked up again.
pub(super) struct GrantedAddresses {
    pub(super) lookup: Lookup,
    pub(super) private_networks: Vec<IpNet>,
}

impl Resolve for GrantedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, private) = (self.lookup.clone(), self.private_networks.clone());
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let mut addresses = lookup.addresses(name.clone()).await?;
            if addresses.is_empty() {
                return Err(FetchError::failed(format!("the name {name} has no address")).into());
            }
            addresses.retain(|address| addresses::is_allowed(*address, &private));
            if addresses.is_empty() {
                return Err(not_public(&name).into());
            }
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Tells nothing of the address: it may be a secret of the host's network.
pub(super) fn not_public(host: &str) -> FetchError {
    FetchError::refused(format!(
        "{host} has no address of the public internet, and no other is granted"
    ))
}

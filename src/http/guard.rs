//! What is refused before a handler sees it.
//!
//! Where nobody is asked for a token, the only lock on the door is that it opens on loopback. A browser on the
//! same machine walks through that door for any page it shows, in two ways, and both are shut
//! here: a page of another site that posts (its `Origin` is not ours), and a name of the attacker
//! that suddenly points to 127.0.0.1 (its `Host` is not ours). An IP address as host is ours: that
//! trick needs a name. The unix socket has a lock of its own, its permissions, and no browser opens it.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, Version};

use super::Shared;
use super::doors::Peer;
use super::probes;
use super::problem::{Code, Problem};
use super::serve::Stage;

/// May this request go on?
pub(super) fn admit(shared: &Shared, request: &Request) -> Result<(), Problem> {
    // Probes and scrapers call by any name, at any time, and learn no secret.
    if probes::is_probe(request.uri().path()) {
        return Ok(());
    }
    let host = host(request)?;
    // No browser reaches the socket, so nobody is led there by a name or by a page.
    let by_socket = request.extensions().get::<Peer>() == Some(&Peer::Socket);
    if let Some(host) = host.as_ref().filter(|_| !by_socket) {
        ours(host, &shared.hosts)?;
    }
    if !by_socket && !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        same_origin(request.headers(), host.as_ref(), &shared.api.public_url)?;
    }
    if *shared.stage.borrow() != Stage::Running {
        return Err(Problem::new(Code::Unavailable, "shutting down"));
    }
    Ok(())
}

/// Whom the request is for; the address itself goes before the header.
fn host(request: &Request) -> Result<Option<Authority>, Problem> {
    let bad = || Problem::new(Code::BadRequest, "there must be one valid Host header");
    let mut hosts = request.headers().get_all(HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.as_bytes()),
        // Health checks of the old kind have none; no browser is among them.
        (None, _) if request.version() == Version::HTTP_10 => None,
        _ => return Err(bad()),
    };
    let header = header.map(Authority::try_from).transpose().map_err(|_| bad())?;
    Ok(request.uri().authority().cloned().or(header))
}

fn ours(host: &Authority, hosts: &[String]) -> Result<(), Problem> {
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let literal = bare.parse::<IpAddr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok();
    let known = literal || name == "localhost" || hosts.contains(&name);
    if known && !host.as_str().contains('@') {
        Ok(())
    } else {
        Err(Problem::new(
            Code::ForeignHost,
            "the Host header names another server; use localhost, an IP address, the host of [server] public_url, or add it to [http] hosts",
        ))
    }
}

fn same_origin(headers: &HeaderMap, host: Option<&Authority>, public_url: &str) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
    let named = origin.as_ref().and_then(Uri::authority);
    let public = public_url.parse::<Uri>().ok();
    let is_ours = named.is_some() && (named == host || named == public.as_ref().and_then(Uri::authority));
    if is_ours && origins.next().is_none() {
        Ok(())
    } else {
        Err(Problem::new(
            Code::CrossOrigin,
            "the Origin header names another site than the one that was asked",
        ))
    }
}

/// A browser shows a cookie with whatever any page has it send. So what is asked with one and changes
/// something has to say that it comes from our own page: as the browser says by itself, or the older ones
/// in `Origin`, which [`admit`] has compared already.
pub(super) fn own_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let is_own = match (sites.next(), sites.next()) {
        (Some(site), None) => site == "same-origin",
        (None, _) => headers.contains_key(ORIGIN),
        _ => false,
    };
    let detail =
        "with a session this needs Sec-Fetch-Site: same-origin, or the Origin of the server that was asked";
    if is_own { Ok(()) } else { Err(Problem::new(Code::NotOwnPage, detail)) }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn judged(host: &str) -> Result<(), Code> {
        let host = host.parse().expect("an authority");
        ours(&host, &["fog.example".to_owned(), "foghorn".to_owned()]).map_err(|problem| problem.code())
    }

    #[test]
    fn addresses_localhost_and_the_public_name_are_ours() {
        for host in [
            "127.0.0.1:3644",
            "[::1]:3644",
            "10.1.2.3",
            "localhost",
            "LOCALHOST.:1",
            "fog.example:443",
            "Foghorn:80",
        ] {
            assert_eq!(judged(host), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "evil@127.0.0.1",
            "foghorn.evil",
            "evil.foghorn",
        ] {
            assert_eq!(judged(host), Err(Code::ForeignHost), "{host}");
        }
    }

    #[test]
    fn only_our_own_pages_may_write() {
        let host: Authority = "127.0.0.1:3644".parse().expect("an authority");
        let judged = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, axum::http::HeaderValue::from_static(origin));
            same_origin(&headers, Some(&host), "https://fog.example").map_err(|problem| problem.code())
        };
        assert_eq!(judged("http://127.0.0.1:3644"), Ok(()));
        assert_eq!(judged("https://fog.example"), Ok(()));
        for origin in ["null", "http://evil.example", "http://127.0.0.1:8080", "http://127.0.0.1"] {
            assert_eq!(judged(origin), Err(Code::CrossOrigin), "{origin}");
        }
        assert!(same_origin(&HeaderMap::new(), Some(&host), "").is_ok());
    }

    #[test]
    fn with_a_session_a_change_says_that_it_comes_from_our_page() {
        let judged = |method: Method, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, axum::http::HeaderValue::from_static(value));
            }
            own_page(&method, &headers).map_err(|problem| problem.code())
        };
        let (own, origin) = (("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:3644"));
        for good in [vec![own], vec![origin], vec![own, origin]] {
            assert_eq!(judged(Method::POST, &good), Ok(()), "{good:?}");
        }
        assert_eq!(judged(Method::GET, &[]), Ok(()));
        for site in ["same-site", "cross-site", "none", "", "SAME-ORIGIN"] {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let headers = [("sec-fetch-site", site), origin];
                assert_eq!(judged(method, &headers), Err(Code::NotOwnPage), "{site}");
            }
        }
        assert_eq!(judged(Method::POST, &[]), Err(Code::NotOwnPage));
        assert_eq!(judged(Method::POST, &[own, ("sec-fetch-site", "cross-site")]), Err(Code::NotOwnPage));
    }

    #[test]
    fn the_address_goes_before_the_header_and_there_is_one_header() {
        let request = |uri: &str, hosts: &[&str]| {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            request.body(Body::empty()).expect("a request")
        };
        let absolute = request("http://evil.example/api/v1/incidents", &["127.0.0.1"]);
        let host_of = |request: &Request| host(request).map(|host| host.map(|host| host.to_string()));
        assert_eq!(host_of(&absolute).ok().flatten().as_deref(), Some("evil.example"));
        assert!(host_of(&request("/", &[])).is_err());
        assert!(host_of(&request("/", &["a", "b"])).is_err());
        assert!(host_of(&request("/", &["a b"])).is_err());
    }
}

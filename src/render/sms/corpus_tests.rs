//! The price of pages: two hundred titles as monitoring writes them, and any others.

use proptest::prelude::*;

use super::{Alphabet, Encoding, SmsStyle, TextMessage, render};
use crate::domain::notification::{Content, NotificationKind};
use crate::render::incident::sample::facts;
use crate::render::{Letterhead, Templates};

const SERVICES: [&str; 10] = [
    "checkout-api",
    "payments-worker",
    "db-1",
    "search",
    "auth",
    "edge-proxy.eu-west-1",
    "kafka",
    "video-transcoder-gpu-pool",
    "billing",
    "mobile-push-gateway",
];

/// What monitoring systems call their alerts, foreign and typographic ones among them.
const TITLES: [&str; 40] = [
    "5xx rate above 5%",
    "Disk full on /var/lib/postgresql",
    "HighErrorRate",
    "p99 latency ≥ 250 µs for 5 min",
    "Queue depth for settlement-batch above 50000 for 15 min in eu-west-1",
    "InstanceDown: node 10.2.3.4:9100 of job \"node\" has been down for more than 5 minutes.",
    "🔴 Service is DOWN",
    "[FIRING:3] KubePodCrashLooping (payments prod critical)",
    "TLS certificate for pay.example.com expires in 3 days",
    "CPU usage on web-17 is “very high” – 97 %",
    "Replication lag on replica-2 → 340 s",
    "Out of memory: killed process 2211 (java)",
    "No heartbeat from cron job nightly-backup",
    "Größe der Warteschlange über 10 000",
    "Échec de la sauvegarde: espace disque insuffisant",
    "Přihlášení selhalo u 42 uživatelů",
    "Error budget burn rate 14.4x over the last hour",
    "Synthetic check \"Login from Frankfurt\" failed 3 times in a row",
    "Deadlocks > 10/min",
    "Consumer group billing-v2 is 1.2 M messages behind",
    "RDS: FreeStorageSpace <= 2000000000.0 for 1 datapoints within 5 minutes",
    "etcd: leader changed 4 times within the last 15 minutes",
    "Payment provider returns 402 for every card of one bank",
    "ERROR java.lang.NullPointerException: Cannot invoke \"Order.getId()\" because \"order\" is null",
    "temperature of rack 12 is 41 °C",
    "Redis evicted 12k keys",
    "DNS SERVFAIL for api.example.com from 3 of 5 resolvers",
    "Login success ratio dropped by 23 % compared with last week",
    "Webhook deliveries to customer 4411 fail with 410 Gone",
    "Thread pool \"http-nio-8080-exec\" is exhausted (200/200)",
    "High memory (91%) on k8s node ip-10-0-12-7.eu-west-1.compute.internal",
    "Loki: ingester is unhealthy & the ring has 1 pending member",
    "OOMKilled",
    "[Grafana] Alerting: Checkout conversion below 1.8%",
    "The scheduled job \"invoice-run\" did not finish within its window of 4 hours",
    "SLO \"search availability\" is at risk: 99.31 % < 99.5 %",
    "Unusual login from a new country for account ops@example.com",
    "Kafka broker 3 is offline; 47 partitions are under-replicated; ISR shrinks",
    "Backup verification failed: checksum mismatch in base.tar.gz",
    "Anomaly detected: ingress traffic 9.4σ above the mean",
];

fn page(number: u64, service: &str, title: &str, style: SmsStyle, house: &Letterhead) -> TextMessage {
    let mut facts = facts(NotificationKind::Opened);
    facts.number = number;
    facts.service = Some(service.to_owned());
    title.clone_into(&mut facts.title);
    render(&Content::Incident(Box::new(facts)), house, &style).unwrap()
}

/// Where those of whom nothing is known read this.
fn house(locale: &str) -> Letterhead {
    let templates = Templates::default().read_in(Some(locale.to_owned()));
    let public_url = "https://foghorn.example.com".into();
    Letterhead { public_url, templates: templates.into(), ..Letterhead::default() }
}

/// Two hundred pages: each title at five services.
fn corpus(style: SmsStyle, locale: &str) -> Vec<(u64, TextMessage)> {
    let (mut pages, house) = (Vec::new(), house(locale));
    for (at, title) in TITLES.iter().enumerate() {
        for step in 0..5 {
            let number = 17 + 263 * pages.len() as u64;
            let service = SERVICES[(at + 2 * step) % SERVICES.len()];
            pages.push((number, page(number, service, title, style, &house)));
        }
    }
    pages
}

#[test]
fn nine_of_ten_pages_take_one_part_and_none_takes_more_than_it_may() {
    for (locale, replies, code) in
        [("en", false, ""), ("en", true, "A ack"), ("de", false, ""), ("de", true, "A übernimmt")]
    {
        for max_segments in [1, 2, 3] {
            let pages = corpus(SmsStyle { replies, max_segments, ..SmsStyle::default() }, locale);
            assert_eq!(pages.len(), 200);
            let single = pages.iter().filter(|(_, page)| page.segments == 1).count();
            // What may take two parts does, rather than be cut.
            assert!(max_segments > 1 || single >= 180, "{single} of 200");
            for (number, page) in pages {
                assert!(page.segments <= max_segments, "{}", page.text);
                assert!(page.text.contains(&format!("#{number} ")), "{}", page.text);
                assert!(!replies || page.text.contains(&format!(" {number}{code}")), "{}", page.text);
                if page.alphabet == Alphabet::Gsm7 {
                    let link = format!(" https://foghorn.example.com/incidents/{number}");
                    assert!(page.text.ends_with(&link), "{}", page.text);
                }
            }
        }
    }
}

#[test]
fn nearly_every_title_can_be_spelled_cheaply() {
    for locale in ["en", "de"] {
        let pages = corpus(SmsStyle::default(), locale);
        let cheap = pages.iter().filter(|(_, page)| page.alphabet == Alphabet::Gsm7).count();
        assert!(cheap >= 190, "{cheap} of 200 in {locale}");
    }
}

proptest! {
    #[test]
    fn no_page_takes_more_than_it_may_or_loses_its_number(
        title in any::<String>(),
        service in "\\PC{0,80}",
        number in any::<u64>(),
        max_segments in 1_usize..=10,
        (auto, links, replies) in any::<(bool, bool, bool)>(),
    ) {
        let encoding = if auto { Encoding::Auto } else { Encoding::Gsm7 };
        let style = SmsStyle { max_segments, encoding, links, replies };
        let page = page(number, &service, &title, style, &house("en"));
        let head = format!("Foghorn CRIT #{number}");
        prop_assert!(page.text.starts_with(&head));
        prop_assert!(page.segments <= max_segments, "{}", page.text);
        prop_assert_eq!(Alphabet::of(&page.text).segments(&page.text), page.segments);
        let code = format!(" Reply {number}A ack");
        prop_assert!(!replies || page.text.contains(&code));
        if let Some((_, link)) = page.text.split_once("https://foghorn.example.com") {
            let whole = format!("/incidents/{number}");
            prop_assert_eq!(link, whole);
        }
    }
}

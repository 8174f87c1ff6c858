//! A reader gives each record once and in order, whatever it heard and whenever it came.

use std::time::Duration;

use bus::{Bus, LinkState, Settings};
use contract::{streams, subjects};
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use crate::support::{
    append, assert_records, change_logs, connect, declared, fresh_log, jetstream, read, record,
    store,
};

#[tokio::test]
async fn readers_that_join_at_any_time_get_each_record_once_while_it_is_written_at_full_speed() {
    const RECORDS: usize = 6_000;
    let (nats, bus) = declared().await;
    let elsewhere = connect(&nats).await;
    let log = fresh_log();
    let written = tokio::sync::watch::Sender::new(0);

    let writing = async {
        let mut writer = bus.log_writer(log.clone(), 0);
        for number in 0..RECORDS {
            writer.append(record(number)).await.unwrap();
            written.send_replace(number + 1);
        }
    };
    let reading = async |bus: &Bus, joins_at: usize| {
        written.subscribe().wait_for(|written| *written >= joins_at).await.unwrap();
        let mut reader = bus.read_log(log.clone()).await.unwrap();
        assert_records(&read(&mut reader, RECORDS).await, RECORDS);
    };
    tokio::join!(
        writing,
        reading(&bus, 0),
        reading(&bus, 1),
        reading(&bus, 700),
        reading(&elsewhere, 0),
        reading(&elsewhere, 2_500),
        reading(&elsewhere, 2_500),
        reading(&elsewhere, RECORDS),
    );
}

#[tokio::test]
async fn records_that_nobody_repeated_are_fetched_when_the_next_one_is_heard() {
    let (nats, bus) = declared().await;
    let log = fresh_log();
    let mut reader = bus.read_log(log.clone()).await.unwrap();
    append(&bus, &log, 0..3).await;
    assert_records(&read(&mut reader, 3).await, 3);

    let mut republish = None;
    change_logs(&nats, |config| republish = config.republish.take()).await;
    append(&bus, &log, 3..400).await;
    change_logs(&nats, |config| config.republish = republish).await;
    append(&bus, &log, 400..402).await;

    let began = Instant::now();
    let rest = read(&mut reader, 399).await;
    assert_eq!(rest.last().unwrap().message, record(401));
    assert!(began.elapsed() < Duration::from_secs(4), "it did not wait for silence");
    let again = bus.read_log(log).await.unwrap();
    assert_records(&read(&mut { again }, 402).await, 402);
}

#[tokio::test]
async fn a_last_record_that_nobody_repeated_is_found_in_the_silence_behind_it() {
    let (nats, bus) = declared().await;
    let log = fresh_log();
    let mut reader = bus.read_log(log.clone()).await.unwrap();
    append(&bus, &log, 0..2).await;
    assert_records(&read(&mut reader, 2).await, 2);

    change_logs(&nats, |config| config.republish = None).await;
    append(&bus, &log, 2..3).await;

    assert_eq!(read(&mut reader, 1).await[0].message, record(2));
}

#[tokio::test]
async fn what_nobody_stored_is_not_read() {
    let (nats, bus) = declared().await;
    let log = fresh_log();
    let mut reader = bus.read_log(log.clone()).await.unwrap();

    let client = async_nats::connect(nats.url()).await.unwrap();
    client.publish(subjects::live(&log), "made up".into()).await.unwrap();
    jetstream(&nats).await.query_account().await.unwrap();
    append(&bus, &log, 0..1).await;
    // A refused record is not repeated either.
    bus.append(&log, 0, "refused".into()).await.unwrap_err();
    append(&bus, &log, 1..2).await;

    assert_records(&read(&mut reader, 2).await, 2);
}

#[tokio::test]
async fn a_reader_that_is_polled_in_small_steps_gets_everything() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    append(&bus, &log, 0..1_000).await;

    let mut reader = bus.read_log(log.clone()).await.unwrap();
    let mut entries = Vec::new();
    while entries.len() < 1_000 {
        // Each wait is given up at once, as a reader's owner does that has much else to do.
        if let Ok(entry) = tokio::time::timeout(Duration::from_micros(200), reader.next()).await {
            entries.push(entry.unwrap());
        }
    }
    assert_records(&entries, 1_000);
}

#[tokio::test]
async fn a_reader_that_is_slower_than_its_subscription_holds_fetches_the_rest() {
    const MANY: usize = 70_000;
    const FEW: usize = 6_000;
    let (nats, bus) = declared().await;
    let settings = Settings::bare(nats.url());
    let of_logs = Bus::connect_for_logs("test", &settings).await.unwrap();
    for (bus, records) in [(bus, MANY), (of_logs, FEW)] {
        let log = fresh_log();
        let mut reader = bus.read_log(log.clone()).await.unwrap();
        store(&nats, &log, records).await;

        let mut entries = read(&mut reader, 100).await;
        // There is room again, so this one is heard, and the gap before it.
        let last = bus.last_entry(&log).await.unwrap().unwrap().sequence;
        bus.append(&log, last, record(records)).await.unwrap();

        entries.extend(read(&mut reader, records + 1 - 100).await);
        assert_records(&entries, records + 1);
    }
}

#[tokio::test]
async fn of_a_log_that_is_not_read_little_waits_in_the_process() {
    const AT_MOST: usize = 512;
    let (nats, _bus) = declared().await;
    let settings = Settings::bare(nats.url());
    let bus = Bus::connect_for_logs("test", &settings).await.unwrap();
    let log = fresh_log();
    let mut reader = bus.read_log(log.clone()).await.unwrap();
    store(&nats, &log, 4 * AT_MOST).await;
    bus.barrier().await.unwrap();

    // What is read from here on is what waited.
    bus.erase_log(&log).await.unwrap();
    let mut waited = Vec::new();
    let end = async {
        while let Some(entry) = reader.next().await {
            waited.push(entry);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), end).await.expect("an end within a minute");

    assert_records(&waited, AT_MOST);
}

#[tokio::test]
async fn readers_and_the_writer_survive_the_death_of_the_server() {
    const RECORDS: usize = 600;
    let (mut nats, bus) = declared().await;
    let elsewhere = connect(&nats).await;
    let log = fresh_log();
    let mut state = elsewhere.state();
    let written = tokio::sync::watch::Sender::new(0);

    let writing = async {
        let mut writer = bus.log_writer(log.clone(), 0);
        for number in 0..RECORDS {
            writer.append(record(number)).await.unwrap();
            written.send_replace(number + 1);
        }
    };
    let reading = async |bus: &Bus| {
        let mut reader = bus.read_log(log.clone()).await.unwrap();
        assert_records(&read(&mut reader, RECORDS).await, RECORDS);
    };
    let killing = async {
        written.subscribe().wait_for(|written| *written >= RECORDS / 2).await.unwrap();
        nats.kill().await;
        state.wait_for(|state| *state == LinkState::Disconnected).await.unwrap();
        nats.restart().await;
    };
    tokio::join!(writing, killing, reading(&bus), reading(&elsewhere), reading(&elsewhere));
}

#[tokio::test]
async fn what_was_stored_while_nobody_could_hear_it_is_looked_for_at_the_servers_return() {
    let (mut nats, bus) = declared().await;
    let log = fresh_log();
    let mut reader = bus.read_log(log.clone()).await.unwrap();
    change_logs(&nats, |config| config.republish = None).await;
    append(&bus, &log, 0..1).await;
    let heard = Instant::now();
    let mut state = bus.state();

    nats.kill().await;
    state.wait_for(|state| *state == LinkState::Disconnected).await.unwrap();
    nats.restart().await;

    assert_records(&read(&mut reader, 1).await, 1);
    assert!(heard.elapsed() < Duration::from_secs(5), "it did not wait for silence");
}

#[tokio::test]
async fn whoever_reads_a_log_says_so_as_long_as_it_does() {
    let (nats, bus) = declared().await;
    let elsewhere = connect(&nats).await;
    let (log, other) = (fresh_log(), fresh_log());
    assert!(!bus.has_reader(&log).await.unwrap());

    let mut reader = elsewhere.read_log(log.clone()).await.unwrap();
    let (asked, _nothing) = tokio::join!(
        bus.has_reader(&log),
        tokio::time::timeout(Duration::from_millis(500), reader.next()),
    );
    assert!(asked.unwrap());
    let client = async_nats::connect(nats.url()).await.unwrap();
    tokio::select! {
        answer = client.request(subjects::reader(&log), "".into()) => {
            answer.expect("it answers, and is not taken for one that is too busy");
        }
        _news = reader.next() => unreachable!("nothing is stored"),
    }
    assert!(!bus.has_reader(&other).await.unwrap());
    // One that is too busy to answer reads it all the same.
    assert!(bus.has_reader(&log).await.unwrap());

    drop(reader);
    elsewhere.barrier().await.unwrap();
    assert!(!bus.has_reader(&log).await.unwrap());
}

#[tokio::test]
async fn a_reader_hears_nothing_more_of_a_log_that_was_erased_until_it_begins_anew() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    append(&bus, &log, 0..3).await;
    let mut reader = bus.read_log(log.clone()).await.unwrap();
    assert_records(&read(&mut reader, 3).await, 3);

    bus.erase_log(&log).await.unwrap();
    append(&bus, &log, 3..5).await;

    let rest = read(&mut reader, 2).await;
    assert_eq!((&rest[0].message, &rest[1].message), (&record(3), &record(4)));
}

#[tokio::test]
async fn a_reader_of_a_log_that_was_erased_and_stays_so_hears_its_end() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    append(&bus, &log, 0..3).await;
    let mut reader = bus.read_log(log.clone()).await.unwrap();
    assert_records(&read(&mut reader, 3).await, 3);

    bus.erase_log(&log).await.unwrap();

    let end = tokio::time::timeout(Duration::from_secs(60), reader.next()).await;
    assert_eq!(end.expect("an end within a minute"), None);
}

#[tokio::test]
async fn many_that_fetch_at_once_take_turns_on_their_connection() {
    const READERS: usize = 100;
    const AT_ONCE: usize = 64;
    let (nats, bus) = declared().await;
    // In place of the stream: it answers when it is told to.
    jetstream(&nats).await.delete_stream(streams::LOGS).await.unwrap();
    let stream = async_nats::connect(nats.url()).await.unwrap();
    let mut asked = stream.subscribe("$JS.API.DIRECT.GET.LOGS").await.unwrap();
    let round_trip = async || {
        stream.request(stream.new_inbox(), "".into()).await.expect_err("nobody listens there");
    };
    round_trip().await;

    let log = fresh_log();
    let fetching = futures::future::join_all((0..READERS).map(|_reader| bus.fetch_log(&log, 0)));
    let answering = async {
        let first = asked.next().await.unwrap();
        for _page in 1..AT_ONCE {
            asked.next().await.unwrap();
        }
        bus.barrier().await.unwrap();
        round_trip().await;
        assert!(asked.next().now_or_never().is_none(), "more than {AT_ONCE} pages at once");

        stream.publish(first.reply.unwrap(), "no record".into()).await.unwrap();
        asked.next().await.unwrap();
    };
    tokio::select! {
        () = answering => {}
        _fetched = fetching => unreachable!("most have no answer"),
    }
}

//! A writer knows what became of each of its records.

use bus::{BusError, LinkState, WriteError};
use bytes::Bytes;
use contract::streams;

use crate::support::{assert_records, change_logs, connect, declared, fresh_log, record};

#[tokio::test]
async fn a_writer_goes_on_behind_the_record_that_it_was_given() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    let first = bus.append(&log, 0, record(0)).await.unwrap();

    let mut writer = bus.log_writer(log.clone(), first);
    for number in 1..50 {
        writer.append(record(number)).await.unwrap();
    }

    let entries = bus.fetch_log(&log, 0).await.unwrap();
    assert_records(&entries, 50);
    assert_eq!(writer.last(), entries[49].sequence);
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_found_and_not_stored_again() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    let mut writer = bus.log_writer(log.clone(), 0);
    writer.append(record(0)).await.unwrap();

    // As if this writer had sent it and never heard of it.
    let stored = bus.append(&log, writer.last(), record(1)).await.unwrap();
    writer.append(record(1)).await.unwrap();
    assert_eq!(writer.last(), stored);
    writer.append(record(2)).await.unwrap();

    assert_records(&bus.fetch_log(&log, 0).await.unwrap(), 3);
}

#[tokio::test]
async fn a_writer_is_out_once_another_has_written() {
    let (nats, bus) = declared().await;
    let log = fresh_log();
    let mut old = bus.log_writer(log.clone(), 0);
    old.append(record(0)).await.unwrap();

    let mut new = connect(&nats).await.log_writer(log.clone(), old.last());
    new.append(record(1)).await.unwrap();

    for _again in 0..2 {
        let fenced = old.append(Bytes::from_static(b"too late")).await.unwrap_err();
        assert!(matches!(fenced, WriteError::Fenced), "{fenced}");
    }
    new.append(record(2)).await.unwrap();
    assert_records(&bus.fetch_log(&log, 0).await.unwrap(), 3);
}

#[tokio::test]
async fn a_writer_is_out_once_its_record_has_another_behind_it() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    let mut writer = bus.log_writer(log.clone(), 0);

    // Its answer was lost, and somebody cancelled meanwhile.
    let mine = bus.append(&log, 0, record(0)).await.unwrap();
    bus.append(&log, mine, record(1)).await.unwrap();

    let fenced = writer.append(record(0)).await.unwrap_err();
    assert!(matches!(fenced, WriteError::Fenced), "{fenced}");
    assert_records(&bus.fetch_log(&log, 0).await.unwrap(), 2);
}

#[tokio::test]
async fn a_writer_is_out_once_its_log_was_erased() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    let mut writer = bus.log_writer(log.clone(), 0);
    writer.append(record(0)).await.unwrap();

    bus.erase_log(&log).await.unwrap();

    let fenced = writer.append(record(1)).await.unwrap_err();
    assert!(matches!(fenced, WriteError::Fenced), "{fenced}");
    assert!(bus.fetch_log(&log, 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_writer_is_told_when_logs_are_full_and_goes_on_when_they_are_not() {
    let (nats, bus) = declared().await;
    let log = fresh_log();
    let mut writer = bus.log_writer(log.clone(), 0);
    change_logs(&nats, |config| config.max_messages = 1).await;
    writer.append(record(0)).await.unwrap();

    let full = writer.append(record(1)).await.unwrap_err();
    assert!(matches!(full, WriteError::Refused(BusError::Full(streams::LOGS))), "{full}");
    change_logs(&nats, |config| config.max_messages = 10).await;
    writer.append(record(1)).await.unwrap();

    assert_records(&bus.fetch_log(&log, 0).await.unwrap(), 2);
}

#[tokio::test]
async fn a_writer_survives_the_death_of_the_server_and_stores_each_record_once() {
    const RECORDS: usize = 1_000;
    let (mut nats, bus) = declared().await;
    let log = fresh_log();
    let mut state = bus.state();
    let (half, halfway) = tokio::sync::oneshot::channel();

    let writing = async {
        let mut writer = bus.log_writer(log.clone(), 0);
        let mut half = Some(half);
        for number in 0..RECORDS {
            writer.append(record(number)).await.unwrap();
            if number == RECORDS / 2 {
                half.take().unwrap().send(()).unwrap();
            }
        }
        writer.last()
    };
    let killing = async {
        halfway.await.unwrap();
        nats.kill().await;
        state.wait_for(|state| *state == LinkState::Disconnected).await.unwrap();
        nats.restart().await;
    };
    let (last, ()) = tokio::join!(writing, killing);

    let entries = bus.fetch_log(&log, 0).await.unwrap();
    assert_records(&entries, RECORDS);
    assert_eq!(entries[RECORDS - 1].sequence, last);
}

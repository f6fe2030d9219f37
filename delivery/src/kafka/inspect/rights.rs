//! What we may do with topics, as the brokers themselves tell it (KIP-430), so that nothing has to be tried.
//! Only librdkafka's C interface can ask for it.
#![allow(unsafe_code, reason = "the Rust binding has no call for DescribeTopics")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString};
use std::ptr;

use rdkafka::bindings as c;

use super::Finding;
use super::cluster::{ANSWER, Cluster};

/// A topic's operations that are allowed; `None` where the brokers say nothing of it.
pub(super) type Allowed = Option<BTreeSet<Right>>;

/// What matters here of Kafka's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    Read,
    Write,
    DescribeConfigs,
}

/// Asks the brokers.
///
/// # Errors
///
/// What they did not answer, in words.
pub(super) fn of_topics(cluster: &Cluster<'_>, topics: &[&str]) -> Result<BTreeMap<String, Allowed>, String> {
    let names = topics.iter().map(|topic| CString::new(*topic)).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(|error| error.to_string())?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let rk = cluster.handle();
    let milliseconds = i32::try_from(ANSWER.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `rk` lives as long as `cluster`, the names as long as this call, and librdkafka copies them. Queue, options,
    // collection and event are made here and given back here, the event last of what is read from it.
    unsafe {
        let queue = c::rd_kafka_queue_new(rk);
        let options =
            c::rd_kafka_AdminOptions_new(rk, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        let refused = c::rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
        let result = if refused.is_null() {
            let collection =
                c::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
            c::rd_kafka_DescribeTopics(rk, collection, options, queue);
            c::rd_kafka_TopicCollection_destroy(collection);
            let event = c::rd_kafka_queue_poll(queue, milliseconds);
            let told = told(event);
            if !event.is_null() {
                c::rd_kafka_event_destroy(event);
            }
            told
        } else {
            let words = CStr::from_ptr(c::rd_kafka_error_string(refused)).to_string_lossy().into_owned();
            c::rd_kafka_error_destroy(refused);
            Err(words)
        };
        c::rd_kafka_AdminOptions_destroy(options);
        c::rd_kafka_queue_destroy(queue);
        result
    }
}

/// # Safety
///
/// `event` is null or an event that librdkafka gave and that is not given back yet.
unsafe fn told(event: *mut c::rd_kafka_event_t) -> Result<BTreeMap<String, Allowed>, String> {
    if event.is_null() {
        return Err(format!("no answer within {ANSWER:?}"));
    }
    // SAFETY: what is read belongs to the event, and each list has as many entries as its count says.
    unsafe {
        if c::rd_kafka_event_error(event) != c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(CStr::from_ptr(c::rd_kafka_event_error_string(event)).to_string_lossy().into_owned());
        }
        let result = c::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err("another answer than the one that was asked for".to_owned());
        }
        let mut count = 0;
        let topics = c::rd_kafka_DescribeTopics_result_topics(result, ptr::from_mut(&mut count));
        let mut rights = BTreeMap::new();
        for index in 0..count {
            let topic = *topics.add(index);
            let name =
                CStr::from_ptr(c::rd_kafka_TopicDescription_name(topic)).to_string_lossy().into_owned();
            let mut operations = 0;
            let list =
                c::rd_kafka_TopicDescription_authorized_operations(topic, ptr::from_mut(&mut operations));
            let allowed =
                (!list.is_null()).then(|| (0..operations).filter_map(|at| right(*list.add(at))).collect());
            rights.insert(name, allowed);
        }
        Ok(rights)
    }
}

fn right(operation: c::rd_kafka_AclOperation_t) -> Option<Right> {
    match operation {
        c::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_READ => Some(Right::Read),
        c::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_WRITE => Some(Right::Write),
        c::rd_kafka_AclOperation_t::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS => Some(Right::DescribeConfigs),
        _ => None,
    }
}

/// What the rights on a topic come to; nothing where the topic is not there.
pub(super) fn judged(topic: &str, allowed: Option<&Allowed>, of_events: bool) -> Vec<Finding> {
    let Some(Some(allowed)) = allowed else { return Vec::new() };
    let mut findings = Vec::new();
    if !allowed.contains(&Right::Write) {
        findings.push(Finding::wrong(format!(
            "not authorised to write to the topic `{topic}`: it needs the right Write on it"
        )));
    }
    if of_events && !allowed.contains(&Right::Read) {
        findings.push(Finding::doubtful(format!(
            "not authorised to read the topic `{topic}`: after a crash, events that wait in the journal would wait until \
             that right is given, since the topic's end is read so that none is stored twice"
        )));
    }
    findings
}

//! Kinds of arguments: lenient, validated, raw.

use controllers_tests::{Back, TestResult, ack, end, error};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

#[derive(Debug, Deserialize, Serialize, Validate)]
struct Line {
    #[garde(length(min = 1, max = 5))]
    text: String,
    #[garde(dive)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize, Serialize, Validate)]
struct Tag {
    #[garde(range(max = 3))]
    level: u8,
}

struct Kinds;

#[ws_controller("/")]
impl Kinds {
    #[on_message("try")]
    fn lenient(&self, Try(number): Try<u8>, Try(text): Try<String>) -> (String, String) {
        let show = |error: sio_actix::core::packet::ArgError| error.to_string();
        let number = number.map_or_else(show, |number| number.to_string());
        (number, text.unwrap_or_else(show))
    }

    #[on_message("valid")]
    fn valid(&self, first: u8, Valid(line): Valid<Line>) -> (u8, Line) {
        (first, line)
    }

    #[on_message("raw behind one")]
    fn raw(&self, first: u8, raw: RawArgs) -> (u8, String, usize) {
        (first, raw.text, raw.attachments.len())
    }

    #[on_message("pattern")]
    fn pattern(&self, Line { text, .. }: Line, (a, mut b): (u8, u8), _: bool) -> (String, u8) {
        b += a;
        (text, b)
    }

    #[on_message("any value")]
    fn any(&self, value: Value, json: serde_json::Value) -> (Value, serde_json::Value) {
        (value, json)
    }
}

#[actix_web::test]
async fn invalid_argument_is_answered_with_paths_and_messages() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Kinds)).await?;
        let line = json!({ "text": "SECRETS", "tags": [{ "level": 1 }, { "level": 9 }] });
        let error = error(&client, "valid", (1, &line)).await?;
        assert_eq!(error["code"], "invalid");
        assert_eq!(error["message"], "argument 1 is not valid");
        let data = error["data"].as_array().unwrap();
        let paths: Vec<_> = data.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["tags[1].level", "text"], "{error}");
        assert!(data.iter().all(|problem| problem["message"].is_string()));
        assert!(!error.to_string().contains("SECRET"), "{error}");

        let misfit = controllers_tests::error(&client, "valid", (1, json!({ "text": 1 }))).await?;
        assert_eq!(misfit["code"], "bad_request");
        let line = json!({ "text": "hi", "tags": [] });
        assert_eq!(ack(&client, "valid", (1, &line)).await?, json!([1, line]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn try_gives_the_error_to_the_handler() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Kinds)).await?;
        let got = ack(&client, "try", ("x", "text")).await?;
        assert_eq!(
            got,
            json!(["argument 0 is invalid: invalid type: string, expected u8", "text"])
        );
        assert_eq!(ack(&client, "try", (1,)).await?, json!(["1", "argument 1 is missing"]));
        assert_eq!(ack(&client, "try", (1, "text")).await?, json!(["1", "text"]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn raw_arguments_are_what_nobody_else_has_read() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Kinds)).await?;
        let got = ack(&client, "raw behind one", (1, "two", [3])).await?;
        assert_eq!(got, json!([1, r#""two",[3]"#, 0]));
        assert_eq!(ack(&client, "raw behind one", (1,)).await?, json!([1, "", 0]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn patterns_and_values_of_any_kind_are_parameters() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Kinds)).await?;
        let line = json!({ "text": "hi", "tags": [] });
        assert_eq!(ack(&client, "pattern", (&line, (1, 2), true)).await?, json!(["hi", 3]));
        let values = json!([{ "a": [null, 1.5, "b"] }, [[]]]);
        assert_eq!(ack(&client, "any value", (&values[0], &values[1])).await?, values);
        end(srv, client).await;
    }
    Ok(())
}

//! Point 1: positional arguments, and what the answer says about wrong ones.

use controllers_tests::{Back, TestResult, ack, end, error, events, fence};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

#[derive(Debug, Deserialize, Serialize)]
struct Point {
    x: i32,
    y: i32,
}

struct Args;

#[ws_controller("/")]
impl Args {
    #[on_message("none")]
    fn none(&self) -> &'static str {
        "called"
    }

    #[on_message("three")]
    async fn three(&self, a: i64, b: String, c: Point) -> (i64, String, Point) {
        (a, b, c)
    }

    #[on_message("middle")]
    fn middle(&self, a: u8, b: Option<u8>, c: u8) -> (u8, Option<u8>, u8) {
        (a, b, c)
    }

    #[on_message("end")]
    fn end(&self, a: u8, b: Option<u8>, c: Option<Point>) -> (u8, Option<u8>, Option<Point>) {
        (a, b, c)
    }

    #[on_message("unit")]
    fn unit(&self, _nothing: ()) -> bool {
        true
    }

    #[on_message("rest")]
    fn rest(&self, first: u8, Rest(others): Rest<u8>) -> (u8, Vec<u8>) {
        (first, others)
    }

    #[on_message("strict", strict)]
    fn strict(&self, a: u8, b: Option<u8>) -> (u8, Option<u8>) {
        (a, b)
    }

    #[on_message("between")]
    fn between(&self, s1: Socket, a: u8, name: EventName, b: u8, io: Io, c: u8) -> (u8, u8, u8) {
        assert_eq!((s1.namespace().path(), name.0.as_str()), ("/", "between"));
        assert_eq!(io.of("/").socket_count(), 1);
        (a, b, c)
    }

    #[on_message("twelve")]
    async fn twelve(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
    ) -> Vec<u8> {
        vec![a, b, c, d, e, f, g, h, i, j, k, l]
    }

    #[on_message("quo\"ted\\ü")]
    fn quoted(&self, a: u8) -> u8 {
        a
    }
}

#[actix_web::test]
async fn e01_wrong_type_names_the_index() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        let point = json!({ "x": 1, "y": 2 });
        for (args, index) in [
            (json!(["x", "b", point]), 0),
            (json!([1, 2, point]), 1),
            (json!([1, "b", { "x": 1 }]), 2),
            (json!([1, null, point]), 1),
            (json!([1.5, "b", point]), 0),
        ] {
            let list = args.as_array().unwrap();
            let sent = (&list[0], &list[1], &list[2]);
            let error = error(&client, "three", sent).await?;
            assert_eq!(error["code"], "bad_request", "{args}: {error}");
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("argument {index} ")), "{args}: {error}");
        }
        assert_eq!(ack(&client, "three", (1, "b", &point)).await?, json!([1, "b", point]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_too_few_arguments_name_the_first_missing() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        let missing = |index: u8| json!({ "code": "bad_request", "message": format!("argument {index} is missing") });
        assert_eq!(error(&client, "three", ()).await?, missing(0));
        assert_eq!(error(&client, "three", (1,)).await?, missing(1));
        assert_eq!(error(&client, "three", (1, "b")).await?, missing(2));
        assert_eq!(error(&client, "middle", (1, 2)).await?, missing(2));
        assert_eq!(error(&client, "rest", ()).await?, missing(0));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_without_ack_the_exception_names_event_and_index() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        client.emit("three", (1,)).await?;
        fence(&client).await?;
        let exception = json!({
            "code": "bad_request",
            "message": "argument 1 is missing",
            "event": "three",
        });
        assert_eq!(events(&client, "exception"), json!([[exception]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_strict_refuses_what_others_ignore() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        let refused = error(&client, "strict", (1, 2, 3)).await?;
        let message = "argument 2 is not expected";
        assert_eq!(refused, json!({ "code": "bad_request", "message": message }));
        assert_eq!(ack(&client, "strict", (1, 2)).await?, json!([1, 2]));
        assert_eq!(ack(&client, "strict", (1,)).await?, json!([1, null]));

        assert_eq!(ack(&client, "none", (1, 2, 3)).await?, json!(["called"]));
        let ignored = (1, "b", json!({ "x": 1, "y": 2 }), [4], json!({ "deep": [[]] }));
        assert_eq!(ack(&client, "three", ignored).await?, json!([1, "b", { "x": 1, "y": 2 }]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_optional_arguments_may_be_missing_or_null() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        let null = json!(null);
        assert_eq!(ack(&client, "end", (1,)).await?, json!([1, null, null]));
        assert_eq!(ack(&client, "end", (1, &null, &null)).await?, json!([1, null, null]));
        let point = json!({ "x": 1, "y": 2 });
        assert_eq!(ack(&client, "end", (1, &null, &point)).await?, json!([1, null, point]));
        assert_eq!(ack(&client, "middle", (1, &null, 3)).await?, json!([1, null, 3]));
        assert_eq!(ack(&client, "middle", (1, 2, 3)).await?, json!([1, 2, 3]));
        assert_eq!(ack(&client, "unit", ()).await?, json!([true]));
        assert_eq!(ack(&client, "unit", (&null,)).await?, json!([true]));

        let wrong = error(&client, "end", (1, "x")).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 1 "), "{wrong}");
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_rest_takes_all_that_are_left() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        let wrong = error(&client, "rest", (1, 2, "x", 4)).await?;
        assert!(wrong["message"].as_str().unwrap().starts_with("argument 2 "), "{wrong}");
        assert_eq!(ack(&client, "rest", (1,)).await?, json!([1, []]));
        assert_eq!(ack(&client, "rest", (1, 2, 3, 4)).await?, json!([1, [2, 3, 4]]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_from_no_argument_to_twelve() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        assert_eq!(ack(&client, "none", ()).await?, json!(["called"]));
        let twelve = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        assert_eq!(ack(&client, "twelve", twelve).await?, json!([twelve]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_context_between_arguments_takes_no_position() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        let missing = error(&client, "between", (1, 2)).await?;
        assert_eq!(missing["message"], "argument 2 is missing");
        assert_eq!(ack(&client, "between", (1, 2, 3)).await?, json!([1, 2, 3]));
        end(srv, client).await;
    }
    Ok(())
}

#[actix_web::test]
async fn e01_event_names_and_blanks_come_in_any_spelling() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Args)).await?;
        assert_eq!(ack(&client, "quo\"ted\\ü", (7,)).await?, json!([7]));
        // The same name, escaped otherwise, with blanks wherever JSON has them.
        client.raw("42[ \"quo\\u0022ted\\\\\\u00fc\" , \"x\" ] ");
        client.raw("42[\"thr\\u0065e\"]");
        fence(&client).await?;
        let got = events(&client, "exception");
        assert_eq!(
            (&got[0][0]["event"], &got[1][0]["event"]),
            (&json!("quo\"ted\\ü"), &json!("three"))
        );
        end(srv, client).await;
    }
    Ok(())
}

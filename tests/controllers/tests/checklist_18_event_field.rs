//! Point 18: a result type with a field `event`, `data` or `error` is an ordinary value.

use controllers_tests::{Back, TestResult, ack, end, events, fence};
use serde::Serialize;
use serde_json::json;
use sio_actix::Io;
use sio_actix::prelude::*;

#[derive(Serialize)]
struct Booking {
    event: &'static str,
    data: u8,
}

#[derive(Serialize)]
struct Report {
    error: Option<&'static str>,
    lines: u8,
}

struct Bookings;

#[ws_controller("/")]
impl Bookings {
    #[on_message("book")]
    #[emit("booked")]
    fn book(&self) -> Booking {
        Booking { event: "concert", data: 1 }
    }

    #[on_message("report")]
    fn report(&self) -> Report {
        Report { error: None, lines: 3 }
    }
}

#[actix_web::test]
async fn e18_result_with_a_field_event_is_an_ordinary_value() -> TestResult {
    for back in Back::BOTH {
        let (srv, client) = back.connect(Io::builder().mount(Bookings)).await?;
        let booking = json!({ "event": "concert", "data": 1 });
        assert_eq!(ack(&client, "book", ()).await?, json!([booking]));
        assert_eq!(ack(&client, "report", ()).await?, json!([{ "error": null, "lines": 3 }]));
        client.emit("book", ()).await?;
        fence(&client).await?;
        assert_eq!(events(&client, "booked"), json!([[booking]]));
        assert_eq!(events(&client, "concert"), json!([]));
        end(srv, client).await;
    }
    Ok(())
}

//! A refusal for a page that frames events: the status and the headers of the problem, in a document that tells it to the page. A
//! page sees of a frame neither, and would load it again and again.

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::access::frame::FramingPage;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::stream::Encoder;
use crate::stream::encode::iframe;

/// The answer, or the problem if no page frames it.
pub(crate) fn told(
    front: &Front,
    page: Option<&FramingPage>,
    answered: Result<Response<Body>, Problem>,
) -> Result<Response<Body>, Problem> {
    match (page, answered) {
        (Some(page), Err(problem)) => Ok(refusal(front, page, problem)),
        (_, answered) => answered,
    }
}

fn refusal(front: &Front, page: &FramingPage, problem: Problem) -> Response<Body> {
    let document =
        [iframe::prelude(&page.origin()).into(), iframe::sent_away(problem.clone(), None)].concat();
    let mut response = front.refuse(problem).map(|_| Body::full(document));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Encoder::Iframe.content_type()));
    headers.insert(CONTENT_SECURITY_POLICY, page.policy());
    response
}

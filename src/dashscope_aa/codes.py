"""The table of error codes: what each means, what to do about it, and whether to try again.

`CODES` has one row for every code the service's documents print. `lookup` finds the row that
answers a code, also for codes that nobody has documented yet:

```python
from dashscope_aa import codes

row = codes.lookup("InvalidFile.Duration")
print(row.meaning, row.action, row.retry)
```

The code decides. Where one code is sent for quite different things, the row carries the careful
reading and its refinements carry the others, told apart by words of the message.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from dashscope_aa.errors import (
    AuthenticationError,
    BillingError,
    ContentBlockedError,
    HumanContentError,
    InvalidRequestError,
    MediaError,
    MediaUnreachableError,
    ModelUnavailableError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
    ServiceError,
    ThrottledError,
)

__all__ = ["CODES", "Code", "Refinement", "Retry", "lookup"]


class Retry(StrEnum):
    """May the same request be sent again?"""

    NEVER = "never"
    """It would be refused again."""
    AFTER_FIX = "after-a-fix"
    """Once the cause is mended, as it stands."""
    LIMITED = "limited"
    """Once or twice; if that does not help, nothing will."""
    YES = "yes"
    """After a pause, and again."""


class Refinement(NamedTuple):
    """What differs from the row when the message says certain words. None: as in the row."""

    says: tuple[str, ...]
    """Words in lower case, any one of which the message must hold."""
    error: type[ServiceError] | None = None
    """The exception it becomes."""
    meaning: str | None = None
    """What went wrong."""
    action: str | None = None
    """What to do about it."""
    retry: Retry | None = None
    """May the same request be sent again."""


class Code(NamedTuple):
    """One row: an error code."""

    name: str
    """The code as the service spells it."""
    error: type[ServiceError]
    """The exception it becomes."""
    http_status: int | None
    """HTTP status, or the number the documents give it when it comes in a task (HTTP 200)."""
    source: str
    """Where the facts of this row are printed."""
    meaning: str
    """What went wrong."""
    action: str
    """What to do about it: the `hint` of the exception."""
    retry: Retry = Retry.NEVER
    """May the same request be sent again."""
    scopes: tuple[str, ...] = ("general",)
    """Which chapters of the documents print it."""
    messages: tuple[str, ...] = ()
    """Every text that comes with it, as printed; ``xxx`` and the like are placeholders."""
    aliases: tuple[str, ...] = ()
    """Other spellings of the same code."""
    refinements: tuple[Refinement, ...] = ()
    """Other readings, told apart by the message; the first that fits counts."""


# Sources; the keys are those of docs/explanation/sources.md.
ERR: Final = 'Model Studio help, "Error messages" (EN, 2026)'
S1: Final = "Model Studio help, AnimateAnyone template generation API (EN, 2025-10)"
S2: Final = "Model Studio help, AnimateAnyone video generation API (EN, 2025-10-21)"
ZGEN_OLD: Final = "Model Studio help, AnimateAnyone video generation API (zh, older)"
ZDET_26: Final = "Model Studio help, AnimateAnyone image detection API (zh, 2026)"
ZMOVE: Final = "Model Studio help, wan2.2-animate-move API (2026)"
TASK: Final = "Model Studio help, asynchronous task management"
UPL: Final = "Model Studio help, temporary file URL (2025-10-15)"
OSS: Final = "OSS reference, PostObject"
CAP: Final = "HTTP recordings in cnblogs/dashscope-sdk"
PY: Final = "official Python SDK, dashscope/client/base_api.py (c0d7a0b)"
PROBE: Final = "report of calls to the live service (2026)"
CLIENTS: Final = "reports of clients of wan2.2-animate (2026)"
RFC: Final = "RFC 9110 and 6585, HTTP status codes"
KIN: Final = "inferred from the documented codes of the same family"

# Scopes, and advice that more than one row gives.
WAN: Final = ("wan-animate",)
DETECT: Final = ("detect",)
MEND: Final = "Look at the file with media.preflight; media.convert mends what can be mended."
RESEND_LATER: Final = (
    "Wait and send it again; if it lasts, give the request id to the service's support."
)
RUN_ONCE_MORE: Final = (
    "Run it once more; if that fails too, give the request id to the service's support."
)
REACHABLE: Final = (
    "Give a URL that anyone on the internet can read at once and whose path ends in the file's "
    "extension, or hand over the file itself: client.upload puts it where the service can read it."
)
READ: Final = "The message may say more; the service's help lists the codes it knows."
OTHER_PICTURE: Final = "Use a picture of one person, seen from the front, face and body clear."

# fmt: off
# A row is read as a block: the code and its class, its texts, what it means, what to do. One
# argument a line would hide that.
_ROWS: Final = (
    # ── the key and the workspace ────────────────────────────────────────────────────────
    Code("InvalidApiKey", AuthenticationError, http_status=401,
         source=f"{ERR}; {ZDET_26}; {ZMOVE}; {CAP}",
         messages=("Invalid API-key provided.", "No API-key provided."),
         meaning="The API key is wrong, deleted, or a key of another region.",
         action="Check the key, and that it belongs to the region the client points to.",
         refinements=(
             Refinement(("no api-key",),
                 meaning="The request carried no API key.",
                 action="Check that no proxy removes the Authorization header."),
         )),
    Code("invalid_api_key", AuthenticationError, http_status=401, source=f"{ERR}; {PROBE}",
         messages=("Incorrect API key provided.",),
         meaning="The API key is not accepted, in the words of the compatible mode.",
         action="Check the key, and that the base URL ends in /api/v1: this library speaks the "
                "native API."),
    Code("invalid access token or token expired", AuthenticationError, http_status=401, source=ERR,
         messages=("invalid access token or token expired.",),
         meaning="The temporary key has expired, or a plan key was sent to a host that does not "
                 "take it.",
         action="Make a new temporary key, or point the client to the host the key is made for."),
    Code("NOT AUTHORIZED", PermissionDeniedError, http_status=401, source=ERR,
         messages=(
             ("Access denied: Either you are not authorized to access this workspace, or the "
              r"workspace does not exist. Please:\nVerify the workspace configuration.\nCheck "
              "your API endpoint settings. Ensure you are targeting the correct environment."),
         ),
         meaning="The key may not use this workspace, or there is no such workspace.",
         action="Check the workspace id, and that the base URL or the region is the workspace's."),
    Code("Workspace.AccessDenied", PermissionDeniedError, http_status=403, source=ERR,
         messages=("Workspace access denied.",),
         meaning="The key may not use this workspace.",
         action="Use a key of that workspace or of the main account, or have access granted in "
                "the console."),
    Code("WorkSpaceNotFound", NotFoundError, http_status=404, source=ERR,
         messages=("WorkSpace can not be found.",),
         meaning="There is no such workspace.",
         action="Check the workspace id; the console shows it."),
    Code("App.AccessDenied", PermissionDeniedError, http_status=403, source=ERR,
         messages=("App access denied.",),
         meaning="The key may not use this application.",
         action="Grant access to it in the console. This library calls no applications, so check "
                "the base URL too."),

    # ── the model ────────────────────────────────────────────────────────────────────────
    # Four answers of a retired model are known: AccessDenied "Access denied.",
    # Endpoint.AccessDenied, ModelNotFound, and InvalidParameter "Model not exist.".
    Code("AccessDenied", PermissionDeniedError, http_status=403, source=f"{ERR}; {UPL}",
         messages=(
             "Current user api does not support asynchronous calls.",
             "current user api does not support synchronous calls.",
             "Invalid according to Policy: Policy expired.",
             "Access denied.",
         ),
         meaning="The service does not allow this call.",
         action="Check in the console that the key's workspace may use the model.",
         refinements=(
             Refinement(("not support asynchronous calls",), error=InvalidRequestError,
                 meaning="The call is answered at once and cannot be started as a task.",
                 action="Send it without X-DashScope-Async; check that no proxy adds this "
                        "header."),
             Refinement(("not support synchronous calls",), error=InvalidRequestError,
                 meaning="The call can only be started as a task.",
                 action="Send it with X-DashScope-Async: enable; check that no proxy removes "
                        "this header."),
             # From the upload host, as XML.
             Refinement(("policy expired",), error=InvalidRequestError, retry=Retry.AFTER_FIX,
                 meaning="The upload certificate has expired.",
                 action="Upload the file again with a new certificate, as client.upload does."),
             Refinement(("access denied.",), error=ModelUnavailableError,
                 meaning="The model is retired, or this account has no right or no quota left "
                         "for it.",
                 action="Look up whether the model is retired; if it is not, check in the "
                        "console that the account may use it."),
         )),
    Code("Endpoint.AccessDenied", ModelUnavailableError, http_status=403, source=ERR,
         messages=("Workspace endpoint access denied.",),
         meaning="The model is no longer in service.",
         action="Use the model that replaces it."),
    Code("ModelNotFound", ModelUnavailableError, http_status=404, source=ERR,
         aliases=("model_not_found",),
         messages=(
             "Model can not be found.",
             "The model xxx does not exist.",
             "The model xxx does not exist or you do not have access to it.",
             "The provided model xxx is not supported by the Batch API.",
         ),
         meaning="There is no such model, or no longer, or not for this account.",
         action="Check the model's name, its region, and that the account may use it.",
         refinements=(
             Refinement(("batch api",), error=InvalidRequestError,
                 meaning="The model cannot be called through the Batch API.",
                 action="Call it directly, as this library does; check the base URL."),
         )),
    Code("Model.AccessDenied", PermissionDeniedError, http_status=403, source=ERR,
         messages=("Model access denied.",),
         meaning="The workspace of this key may not use the model.",
         action="Allow the model for the workspace in the console, or use a key of another "
                "workspace."),
    Code("model not supported", InvalidRequestError, http_status=404, source=ERR,
         messages=("Unsupported model xxx for OpenAI compatibility mode.",),
         meaning="The model cannot be called through the compatible mode.",
         action="Use a base URL that ends in /api/v1."),

    # ── bills and quotas: waiting does not help, even where the status is 429 ────────────
    Code("Arrearage", BillingError, http_status=400, source=ERR,
         messages=("Access denied, please make sure your account is in good standing.",),
         meaning="The account has an unpaid bill or an empty balance.",
         action="Top up the account, then run it again."),
    Code("PostpaidBillOverdue", BillingError, http_status=429, source=ERR,
         messages=("The postpaid bill is overdue.",),
         meaning="A pay-as-you-go bill is overdue.",
         action="Pay the bill, then run it again."),
    Code("PrepaidBillOverdue", BillingError, http_status=429, source=ERR,
         messages=("The prepaid bill is overdue.",),
         meaning="A prepaid bill is overdue.",
         action="Pay or renew it, then run it again."),
    Code("CommodityNotPurchased", BillingError, http_status=429, source=ERR,
         messages=("Commodity has not purchased yet.",),
         meaning="The workspace has not bought the product.",
         action="Subscribe to it in the console, then run it again."),
    Code("AccessDenied.Unpurchased", BillingError, http_status=403, source=ERR,
         messages=(
             "Access to model denied. Please make sure you are eligible for using the model.",
         ),
         meaning="Model Studio is not activated for this account.",
         action="Activate it in the console, then run it again."),
    Code("AllocationQuota.FreeTierOnly", BillingError, http_status=403, source=ERR,
         messages=(
             ("The free tier of the model has been exhausted. If you wish to continue access the "
              'model on a paid basis, please disable the "use free tier only" mode in the '
              "management console."),
         ),
         meaning="The free quota of the model is used up, and the account is set to stop there.",
         action='Turn "use free tier only" off in the console, then run it again; it will be '
                "billed."),
    Code("isv.OUT_OF_SERVICE", BillingError, http_status=400, source=ERR,
         messages=("isv.OUT_OF_SERVICE",),
         meaning="The balance is empty and the service was stopped.",
         action="Top up the account, then run it again."),
    Code("Contain.Forbidden.Label.Error", BillingError, http_status=400, source=ERR,
         messages=("contain forbidden create order label",),
         meaning="The account is barred from placing orders.",
         action="Ask the service's support why."),

    # ── too many requests ────────────────────────────────────────────────────────────────
    Code("Throttling", ThrottledError, http_status=429, source=ERR, retry=Retry.YES,
         messages=(
             "Requests throttling triggered.",
             "Too many requests in route. Please try again later.",
         ),
         meaning="Too many requests for now.",
         action="Wait and send it again, at a slower pace."),
    Code("Throttling.RateQuota", ThrottledError, http_status=429, source=f"{ERR}; {TASK}; {UPL}",
         retry=Retry.YES,
         aliases=("LimitRequests", "limit_requests", "ResourceExhausted"),
         messages=(
             "You have exceeded your request limit.",
             "Requests rate limit exceeded, please try again later.",
             "You exceeded your current requests list.",
         ),
         meaning="The account sends more requests a second or a minute than it may.",
         action="Wait and send it again, at a slower pace: all programs and keys of the account "
                "count together. If a single call is answered so, check that no proxy adds "
                "X-DashScope-Async."),
    Code("Throttling.BurstRate", ThrottledError, http_status=429, source=ERR, retry=Retry.YES,
         aliases=("limit_burst_rate",),
         messages=(
             ("Request rate increased too quickly. To ensure system stability, please adjust "
              "your client logic to scale requests more smoothly over time."),
         ),
         meaning="The number of requests rose too quickly.",
         action="Wait and send it again; let the pace rise slowly."),
    Code("Throttling.Concurrency", ThrottledError, http_status=429, source=ERR, retry=Retry.YES,
         messages=("Too many concurrent requests.",),
         meaning="Too many requests are being served at once.",
         action="Wait for some of them to end, then send it again."),
    Code("Throttling.AllocationQuota", ThrottledError, http_status=429, source=ERR,
         retry=Retry.LIMITED,
         aliases=("insufficient_quota",),
         messages=(
             "Allocated quota exceeded, please increase your quota limit.",
             "You exceeded your current quota, please check your plan and billing details.",
             "Free allocated quota exceeded.",
             ("Too many requests. Batch requests are being throttled due to system capacity "
              "limits. Please try again later."),
         ),
         meaning="The account has used what it may use in a second or a minute.",
         action="Wait a minute and send it again; if it lasts, have the quota raised in the "
                "console.",
         refinements=(
             Refinement(("free allocated quota",), error=BillingError, retry=Retry.NEVER,
                 meaning="The free quota is used up, and nothing is set up to pay for more.",
                 action="Set up payment in the console or use another model."),
             Refinement(("system capacity limits",), retry=Retry.YES,
                 meaning="The service has no capacity left for now.",
                 action="Wait and send it again."),
         )),

    # ── the request ──────────────────────────────────────────────────────────────────────
    Code("BadRequest.EmptyModel", InvalidRequestError, http_status=400, source=ERR,
         messages=('Required parameter "model" missing from request.',),
         meaning="The request names no model.",
         action="Name the model in the body."),
    Code("BadRequest.EmptyInput", InvalidRequestError, http_status=400, source=ERR,
         messages=("Required input parameter missing from request.",),
         meaning="The request has no input object.",
         action="Put the URLs into an input object."),
    Code("BadRequest.EmptyParameters", InvalidRequestError, http_status=400, source=ERR,
         messages=('Required parameter "parameters" missing from request.',),
         meaning="The request has no parameters object.",
         action="Send one, empty ({}) if there is nothing to set."),
    Code("BadRequest.IllegalInput", InvalidRequestError, http_status=400, source=ERR,
         messages=("The input parameter requires json format.",),
         meaning="The input of the request is not a JSON object.",
         action="Send the input as a JSON object."),
    Code("BadRequest.ResourceNotExist", NotFoundError, http_status=400, source=ERR,
         messages=("The Required resource does not exist.",),
         meaning="The request names something that does not exist.",
         action="Check the ids in it."),
    Code("NotFound", NotFoundError, http_status=404, source=ERR,
         messages=("Not found!", "Request path not found."),
         meaning="There is nothing under this id or path.",
         action="Check the id, and that the base URL ends in /api/v1.",
         refinements=(
             Refinement(("request path",),
                 meaning="There is no such path.",
                 action="Check that the base URL ends in /api/v1 and its region serves the "
                        "model."),
         )),
    Code("UnsupportedOperation", InvalidRequestError, http_status=400,
         source=f"{ERR}; {TASK}; {CAP}",
         messages=(
             "The operation is unsupported on the referee object.",
             "Failed to cancel the task, please confirm if the task is in PENDING status.",
         ),
         meaning="The operation does not fit the object it was asked for.",
         action="Check the state of the object first.",
         refinements=(
             Refinement(("failed to cancel the task",),
                 meaning="The task is no longer PENDING, so it cannot be cancelled.",
                 action="Let it run to its end; what has begun is billed."),
         )),
    Code("Conflict", InvalidRequestError, http_status=409, source=ERR,
         messages=("Model instance xxx already exists, please specify a suffix.",),
         meaning="A model deployment of this name exists already.",
         action="Name the deployment otherwise. This library deploys nothing, so check the base "
                "URL too."),
    Code("ClientDisconnect", InvalidRequestError, http_status=400, source=ERR,
         messages=("Client disconnected before task finished!",),
         meaning="The connection of a speech service was closed before it had finished.",
         action="Keep the connection open. This library calls no speech services, so check the "
                "base URL too."),
    Code("ServiceUnavailableError", InvalidRequestError, http_status=400, source=ERR,
         messages=("Role must be user or assistant and Content length must be greater than 0.",),
         meaning="A chat model was sent a message it cannot use; despite its name, the code "
                 "tells of no outage.",
         action="Send it a role and some content. This library calls no chat models, so check "
                "the model's name."),
    Code("InvalidParameter", InvalidRequestError, http_status=400,
         source=f"{ERR}; {S1}; {S2}; {CAP}; {PROBE}",
         scopes=("template", "synthesis", "general"),
         messages=(
             "Field required: xxx",
             "parameters.video_ratio must be 9:16 or 3:4",
             "parameters.video_ratio must be 9:16 or 3:4.",
             "Model not exist.",
             "Required body invalid, please check the request body format.",
             "Request method 'GET' is not supported.",
             "url error, please check url!",
             ("The request is missing required parameters or in a wrong format, please check the "
              "parameters that you send."),
             ("The request is missing required parameters or the parameters are out of the "
              "specified range, please check the parameters that you send."),
             "Required parameter(xxx) missing or invalid, please check the request parameters.",
             "the parameters must conform to the specification: xxx.",
             "The request parameter is invalid, please check the request parameter.",
             "The type or value of {parameter} is out of definition.",
             "Check input data style.",
             "Input JSON error.",
             "Input files format not supported.",
             "Failed to download input files.",
             "OSS download error.",
             "Image download failed.",
             "Image read error.",
             "Image format error",
             "Invalid image format or corrupted file",
             "Video reading error.",
             "Invalid video file.",
             "the size of input image is too small or too large.",
             "The image content does not comply with green network verification.",
             "The provided URL does not appear to be valid. Ensure it is correctly formatted.",
             "Failed to download multimodal content.",
             "Download the media resource timed out during the data inspection process.",
             "Unable to download the media resource during the data inspection process.",
             "Failed to find the requested media resource during the data inspection process.",
             ("Don't have authorization to access the media resource during the data inspection "
              "process."),
             "The file format is illegal and cannot be opened.",
             "The audio format is illegal and cannot be opened.",
             "The media format is not supported or incorrect for the data inspection.",
             "Failed to decode the image during the data inspection.",
             "The image size is not supported for the data inspection.",
             "Wrong Content-Type of multimodal url",
             ("The product is not activated, please confirm that you have activated products and "
              "try again after activation."),
             "Role must be user or assistant and Content length must be greater than 0",
         ),
         meaning="A field of the request is missing, of the wrong type or out of range.",
         action="The message names the field where it can; compare it with the documents of the "
                "model.",
         refinements=(
             Refinement(("model not exist",), error=ModelUnavailableError,
                 meaning="There is no such model, or no longer.",
                 action="Check the model's name, small and capital letters too, and whether it "
                        "is retired."),
             Refinement(("product is not activated",), error=BillingError,
                 meaning="Model Studio is not activated for this account.",
                 action="Activate it in the console, then run it again."),
             Refinement(("green network verification",), error=ContentBlockedError,
                 meaning="Content inspection stopped the picture.",
                 action="Use another picture; the same one will be stopped again."),
             Refinement(("field required",),
                 meaning="The request lacks a field.",
                 action="Send the field that the message names."),
             Refinement(("video_ratio must be",),
                 meaning="The service does not know this video_ratio.",
                 action='Use video_ratio="9:16" or "3:4", or leave it out.'),
             Refinement(("url error, please check url",),
                 meaning="The model and the path of the request do not belong together.",
                 action="Check the model's name and the base URL."),
             Refinement(("request method",),
                 meaning="The path does not take this HTTP method.",
                 action="Check that the base URL ends in /api/v1 and no redirect turns POST into "
                        "GET."),
             Refinement(("required body invalid", "input json error"),
                 meaning="The body of the request is not the JSON that was expected.",
                 action="Check that no proxy changes the body."),
             Refinement(("role must be user",),
                 meaning="A chat model was sent a message it cannot use.",
                 action="Check the model's name: this library calls no chat models."),
             Refinement(("image format error",),
                 meaning="The image_url is neither a URL nor a file in base64.",
                 action="Hand over a URL, or the file itself to have it uploaded."),
             # Downloads.
             Refinement(("download multimodal content", "download the media resource"),
                 error=MediaUnreachableError, retry=Retry.LIMITED,
                 meaning="The service could not download the file, or not in time.",
                 action="Run it once more. If that fails too, use a faster host that lets "
                        "DashScopeUserBot in, or client.upload."),
             Refinement(("download input files", "oss download error", "image download failed"),
                 error=MediaUnreachableError, retry=Retry.AFTER_FIX,
                 meaning="The service could not download the file.", action=REACHABLE),
             Refinement(("find the requested media resource",),
                 error=MediaUnreachableError, retry=Retry.AFTER_FIX,
                 meaning="There is no file at the URL, or no longer.",
                 action="Check that the URL has not expired, or make a new one."),
             Refinement(("authorization to access the media resource",),
                 error=MediaUnreachableError, retry=Retry.AFTER_FIX,
                 meaning="The host of the file refuses it; a signed URL may have expired.",
                 action="Sign the URL anew, for long enough, or use client.upload."),
             Refinement(("url does not appear to be valid",), error=MediaUnreachableError,
                 meaning="The URL is malformed, or it is an oss:// URL that was not resolved.",
                 action="Check the URL. If it starts with oss://, check that no proxy removes "
                        "X-DashScope-OssResourceResolve, or use a signed https URL."),
             Refinement(("content-type of multimodal url",), error=MediaUnreachableError,
                 meaning="The host of the file sends a wrong Content-Type.",
                 action="Correct the header at the host, or use client.upload."),
             # The file itself.
             Refinement(("media format is not supported",), error=MediaError,
                 meaning="The file is damaged or of a format that is not accepted, or it is an "
                         "oss:// URL that was not resolved.",
                 action=f"{MEND} If the URL starts with oss://, check that no proxy removes "
                        "X-DashScope-OssResourceResolve, or use a signed https URL."),
             Refinement(
                 ("input files format not supported", "format is illegal and cannot be opened"),
                 error=MediaError,
                 meaning="The file is damaged, of a format that is not accepted, or its extension "
                         "does not tell the truth.",
                 action=MEND),
             Refinement(
                 ("image read error", "invalid image format or corrupted", "decode the image"),
                 error=MediaError,
                 meaning="The picture is damaged or of a format that is not accepted.",
                 action=MEND),
             Refinement(("video reading error", "invalid video file"), error=MediaError,
                 meaning="The clip is damaged or of a format that is not accepted.",
                 action=MEND),
             Refinement(("size of input image", "image size is not supported"), error=MediaError,
                 meaning="The picture is too small, too large or too narrow.",
                 action=MEND),
         )),

    # ── what the service downloads ───────────────────────────────────────────────────────
    Code("InvalidURL", MediaUnreachableError, http_status=400, source=f"{ERR}; {CLIENTS}",
         scopes=("wan-animate", "general"),
         messages=(
             "Invalid URL provided in your request.",
             "Required URL is missing or invalid, please check the request URL.",
             "The request URL is invalid, make sure the url is correct and is an image.",
             ("The request URL is invalid, please check the request URL is available and the "
              "request image format is one of the following types: JPEG, JPG, PNG, BMP, and "
              "WEBP."),
         ),
         meaning="A URL is missing or malformed, or the service cannot read what it names.",
         action=REACHABLE,
         refinements=(
             Refinement(("required url is missing",), error=InvalidRequestError,
                 meaning="A URL is missing or malformed.",
                 action="Give a whole URL that starts with http://, https:// or oss://."),
             Refinement(("is an image", "image format is one of"),
                 meaning="The URL cannot be read, or it names no picture that is accepted.",
                 action=f"{REACHABLE} It must be a JPEG, PNG, BMP or WEBP picture."),
         )),
    Code("InvalidURL.ConnectionRefused", MediaUnreachableError, http_status=400,
         source=f"{ERR}; {S1}; {S2}", retry=Retry.AFTER_FIX,
         scopes=("template", "synthesis", "general"),
         messages=(
             "Connection to ${url} refused, please provide available URL",
             "Connection to xxx refused, please provide available URL.",
         ),
         meaning="The service could not connect to the host of the file.",
         action=REACHABLE),
    Code("InvalidURL.Timeout", MediaUnreachableError, http_status=400,
         source=f"{ERR}; {S1}; {S2}", retry=Retry.LIMITED,
         scopes=("template", "synthesis", "general"),
         messages=(
             "Download ${url} timeout, please check network connection.",
             "Download xxx timeout, please check network connection.",
         ),
         meaning="The file did not reach the service in time.",
         action="Run it once more. If that fails too, use a faster host, a smaller file or "
                "client.upload."),
    Code("BadRequest.InputDownloadFailed", MediaUnreachableError, http_status=400, source=ERR,
         retry=Retry.LIMITED,
         messages=("Failed to download the input file: xxx.",),
         meaning="The service could not download the file, not in time, or it is too large.",
         action="The message says why. Run it once more, or use client.upload."),
    Code("InvalidFile.DownloadFailed", MediaUnreachableError, http_status=400, source=ERR,
         messages=("The audio file cannot be downloaded.",),
         meaning="The service could not download the sound file.",
         action=REACHABLE),
    Code("InvalidParameter.DataInspection", MediaError, http_status=400,
         source=f"{ERR}; {UPL}; reports in public issues",
         messages=(
             "Unable to download the media resource during the data inspection process.",
             "The media format is not supported or incorrect for the data inspection.",
         ),
         meaning="The file is of a format that is not accepted, or it is an oss:// URL that was "
                 "not resolved.",
         action=f"{MEND} If the URL starts with oss://, check that no proxy removes "
                "X-DashScope-OssResourceResolve, or use a signed https URL.",
         refinements=(
             Refinement(("download the media resource",),
                 error=MediaUnreachableError, retry=Retry.LIMITED,
                 meaning="The file did not reach the service in time.",
                 action="Run it once more. If that fails too, use a host in mainland China or "
                        "client.upload."),
         )),

    # ── the file: format, size, edges, duration ──────────────────────────────────────────
    Code("InvalidFile.Format", MediaError, http_status=400, source=ERR,
         messages=(
             ("Invalid file format, the request file format is one of the following types: MP4, "
              "AVI, MOV, MP3, WAV, AAC, JPEG, JPG, PNG, BMP, and WEBP."),
         ),
         meaning="The format of the file is not accepted.",
         action=MEND),
    Code("InvalidFile.Openerror", MediaError, http_status=400, source=f"{ERR}; {S1}",
         scopes=("template", "general"),
         messages=(
             "Invalid file, cannot open file as video.",
             "Invalid file, cannot open file as video/audio/image.",
         ),
         meaning="The file cannot be decoded.",
         action="Check that it plays; media.convert writes it anew as H.264 in mp4."),
    Code("InvalidFile.Size", MediaError, http_status=400, source=f"{ERR}; {S1}; {S2}; {ZGEN_OLD}",
         scopes=("template", "synthesis", "general"),
         messages=(
             ("Invalid file size. The video file size must be less than 200MB, and the audio "
              "file size must be less than 15MB."),
             "Invalid file size, The image file size must be less than 5 MB.",
             "Invalid file size, The image file size must be smaller than 5MB.",
             "Invalid file size. The video/audio/image file size must be less than xxxMB.",
         ),
         meaning="The file has too many bytes.",
         action=MEND),
    Code("InvalidFile.Resolution", MediaError, http_status=400,
         source=f"{ERR}; {S1}; {S2}; {ZGEN_OLD}", scopes=("template", "synthesis", "general"),
         messages=(
             "Invalid video resolution. The height or width of video must be 200 ~ 2048.",
             ("Please ensure the longest side is less than 4096 pixels and the shortest side is "
              "greater than 224 pixels."),
             ("The image resolution is invalid, please make sure that the largest length of "
              "image is smaller than 4096, and the smallest length of image is larger than 224."),
             ("The image resolution is invalid, please make sure that the largest length of "
              "image is smaller than 7000, and the smallest length of image is larger than 400."),
             ("The image resolution is invalid, please make sure that the largest length of "
              "image is smaller than xxx, and the smallest length of image is larger than yyy."),
             ("The image resolution is invalid, please make sure that the aspect ratio is "
              "smaller than xxx, and largest length of image is smaller than yyy."),
             "Invalid video resolution. The height or width of video must be xxx ~ yyy.",
         ),
         meaning="An edge of the picture or the clip is too short or too long.",
         action=MEND),
    Code("InvalidFile.AspectRatio", MediaError, http_status=400, source=f"{ERR}; {S1}; {S2}",
         scopes=("template", "synthesis"),
         messages=(
             ("Invalid file ratio. The file aspect ratio (height/width) must be between 3:1 and "
              "1:3."),
             "Invalid file ratio. The file aspect ratio (height/width) must be between 0.5 and 2.0",
             ("Invalid file ratio. The file aspect ratio (height/width) must be between 2.0 and "
              "0.5."),
         ),
         meaning="The picture or the clip is too narrow or too wide.",
         action='Crop or pad it, for example by media.convert with fit="crop" or fit="pad".'),
    Code("InvalidFile.ImageSize", MediaError, http_status=400, source=ERR,
         messages=("The size of image is beyond limit.",),
         meaning="The picture is too large, too narrow or too wide.",
         action=MEND),
    Code("InvalidFile.Duration", MediaError, http_status=400, source=f"{ERR}; {S1}",
         scopes=("template", "general"),
         messages=(
             "Invalid file duration. The file duration must be 2s ~ 60s.",
             "Invalid file duration. The file duration must be xxx s ~ yyy s.",
         ),
         meaning="The clip is too short or too long.",
         action="Cut it, for example by media.convert with trim=(start_s, end_s), or use a "
                "longer one."),
    Code("InvalidFile.FPS", MediaError, http_status=400, source=ERR,
         messages=("Invalid video FPS. The video FPS must be 15 ~ 60.",),
         meaning="The frame rate of the clip is too low or too high.",
         action=MEND),
    Code("InvalidFile.Template.Content", InvalidRequestError, http_status=400,
         source=f"{ERR}; {S2}", scopes=("synthesis",),
         messages=("Invalid template content.",),
         meaning="The template belongs to another account, or it is of no use.",
         action="Make the template with a key of the same account, or make it anew."),
    Code("InvalidImage.FileFormat", MediaError, http_status=400, source=f"{ERR}; {CLIENTS}",
         scopes=WAN,
         messages=("Invalid image type. Please ensure the uploaded file is a valid image.",),
         meaning="The format of the picture is not accepted, or its URL does not end in the "
                 "extension of one.",
         action=f"{MEND} Let the path of a URL end in its extension, such as .jpg."),
    Code("InvalidImage.Resolution", MediaError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="An edge of the picture is too short or too long, or it is too narrow or too "
                 "wide.",
         action=MEND),
    Code("InvalidImage.ImageSize", MediaError, http_status=400, source=ERR,
         messages=("The size of image is beyond limit.",),
         meaning="The picture is too large, too narrow or too wide.",
         action=MEND),
    Code("InvalidImageFormat", MediaError, http_status=400, source=ERR,
         messages=("The input image is in invalid format.",),
         meaning="The format of the picture is not accepted.",
         action=MEND),
    Code("InvalidImageResolution", MediaError, http_status=400, source=ERR,
         messages=("The input image resolution is too large or small.",),
         meaning="An edge of the picture is too short or too long.",
         action=MEND),
    Code("InvalidInputLength", MediaError, http_status=400, source=ERR,
         messages=(
             ("The image resolution is invalid, please make sure that the largest length of "
              "image is smaller than 4096, and the smallest length of image is larger than 150. "
              "and the size of image ranges from 5KB to 5MB."),
         ),
         meaning="The picture has too few or too many pixels or bytes.",
         action=MEND),
    Code("InvalidVideo.Resolution", MediaError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="An edge of the clip is too short or too long, or it is too narrow or too wide.",
         action=MEND),
    Code("InvalidVideo.Duration", MediaError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="The clip is too short or too long.",
         action="Cut it, for example by media.convert with trim=(start_s, end_s), or use a "
                "longer one."),
    Code("BadRequest.TooLarge", MediaError, http_status=400, source=ERR,
         messages=("Payload Too Large.",),
         meaning="The file has too many bytes.",
         action=MEND),
    Code("BadRequest.UnsupportedFileFormat", MediaError, http_status=400, source=ERR,
         messages=("Input file format is not supported.",),
         meaning="The format of the file is not accepted.",
         action=MEND),

    # ── who is to be seen ────────────────────────────────────────────────────────────────
    # Only what a look at the person decides: `client.detect` turns these into its verdict.
    Code("InvalidFile.NoHuman", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=(
             "The input image has no human body. Please upload other image with single person.",
         ),
         meaning="There is no person in the picture, or no face.",
         action=OTHER_PICTURE),
    Code("InvalidFile.MultiHuman", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=(
             ("The input image has multi human bodies. Please upload other image with single "
              "person."),
         ),
         meaning="There is more than one person in the picture.",
         action="Crop the picture to one person, or use another."),
    Code("InvalidPerson", HumanContentError, http_status=400, source=ERR,
         messages=(
             ("The input image has no human body or multi human bodies. Please upload other "
              "image with single person."),
         ),
         meaning="There is no person in the picture, or more than one.",
         action=OTHER_PICTURE),
    Code("InvalidFile.Content", HumanContentError, http_status=400, source=f"{ERR}; {S1}",
         scopes=("template", "detect"),
         messages=(
             "No human body",
             ("The person is too small in the first frame of input video. Please choose another "
              "clip."),
             ("The person is not clear in the first frame of input video. Please choose another "
              "clip."),
             "The first frame of input video has no human body. Please choose another clip.",
             ("The human is too small in the first frame of input video. Please choose another "
              "clip."),
             ("The human is not clear in the first frame of input video. Please choose another "
              "clip."),
             ("The input image has no human body or multi human bodies. Please upload other "
              "image with single person."),
             ("The input image has no human body or has unclear human body. Please upload other "
              "image."),
             ("The input image has multi human bodies. Please upload other image with single "
              "person."),
         ),
         meaning="The picture, or the first frame of the clip, does not show one person clearly.",
         action="Use a picture of one person, and a clip that shows one from its first frame.",
         refinements=(
             Refinement(("input image",),
                 meaning="The picture does not show one person, and only one, clearly.",
                 action=OTHER_PICTURE),
             Refinement(("too small in the first frame",),
                 meaning="The person is too small in the first frame of the clip.",
                 action="Choose a clip that starts closer to the person, or cut it to do so."),
             Refinement(("not clear in the first frame",),
                 meaning="The person is not clear in the first frame of the clip.",
                 action="Choose a clip that starts with a sharp frame, or cut it to do so."),
             Refinement(("no human body",),
                 meaning="There is no person in the first frame of the clip.",
                 action="Choose a clip that starts with the person, or cut it to do so."),
         )),
    Code("InvalidFile.FullBody", HumanContentError, http_status=400, source=f"{ERR}; {S1}",
         scopes=("template", "detect"),
         messages=(
             "Human not fullbody",
             ("The human is not fullbody in the first frame of input video. Please choose "
              "another clip."),
             ("The pose of the detected person is invalid, please upload other image with whole "
              "body, or change the ratio parameter to 1:1."),
         ),
         meaning="The person is not seen whole.",
         action="Use a picture or a clip that shows the person whole.",
         refinements=(
             Refinement(("not fullbody",),
                 meaning="The person is not seen whole in the first frame of the clip.",
                 action="Choose a clip that shows the whole person from its first frame."),
             Refinement(("other image",),
                 meaning="The person is not seen whole in the picture.",
                 action="Use a picture that shows the person whole. The ratio parameter of the "
                        "message belongs to another model."),
         )),
    Code("InvalidFile.BodyProportion", HumanContentError, http_status=400, source=ERR,
         scopes=DETECT,
         messages=(
             ("The proportion of the detected person in the picture is too large or too small, "
              "please upload other image."),
         ),
         meaning="The person fills too much or too little of the picture.",
         action="Crop the picture, or use one taken from another distance."),
    Code("InvalidFile.BodyPose", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=(
             ("The pose of the detected person is invalid, please upload other image with whole "
              "body and expected orientation."),
         ),
         meaning="The person sits, turns away, or hides shoulders or ankles.",
         action="Use a picture of a standing person from the front, shoulders and ankles "
                "visible."),
    Code("InvalidFile.FrontBody", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=(
             ("The pose of the detected person is invalid, please upload other image with the "
              "front view."),
         ),
         meaning="The person is not seen from the front.",
         action="Use a picture taken from the front."),
    Code("InvalidFile.FacePose", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=(
             ("The pose of the detected face is invalid, please upload other image with whole "
              "face and expected orientation."),
             ("The pose of the detected face is invalid, please upload other image with the "
              "expected orientation."),
         ),
         meaning="The face is hidden or turned too far.",
         action="Use a picture with the face uncovered and towards the camera."),
    Code("InvalidFile.FullFace", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=(
             "The pose of the detected face is invalid, please upload other image with whole face.",
         ),
         meaning="The face is cut off or covered.",
         action="Use a picture that shows the whole face, uncovered."),
    Code("InvalidFile.Value", HumanContentError, http_status=400, source=ERR, scopes=DETECT,
         messages=("The value of the image is invalid, please upload other clearer image.",),
         meaning="The picture is too dark to see the person.",
         action="Use a brighter, clearer picture."),
    Code("InvalidFile.FaceNotMatch", HumanContentError, http_status=400, source=ERR,
         messages=("There are no matched face in the video with the provided reference image.",),
         meaning="The face of the reference picture is not in the clip.",
         action="Use a picture and a clip of the same person."),
    Code("InvalidImage.NoHumanFace", HumanContentError, http_status=400, source=ERR,
         messages=("No human face detected.",),
         meaning="There is no face in the picture.",
         action=OTHER_PICTURE),
    Code("InvalidImage.FrontBody", HumanContentError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="The person in the picture is not seen from the front.",
         action="Use a picture taken from the front. For a drawn figure that is refused wrongly, "
                "check_image=False leaves the check out."),
    Code("InvalidImage.FullFace", HumanContentError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="The face in the picture is cut off or covered.",
         action="Use a picture that shows the whole face. For a drawn figure that is refused "
                "wrongly, check_image=False leaves the check out."),
    Code("InvalidVideo.NoHuman", HumanContentError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="There is no person in the clip.",
         action="Choose a clip that shows one person from its first frame."),
    Code("InvalidVideo.FullFace", HumanContentError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="The face in the clip is cut off or covered.",
         action="Choose a clip that shows the whole face."),
    Code("InvalidVideo.FrontBody", HumanContentError, http_status=None, source=CLIENTS, scopes=WAN,
         meaning="The person in the clip is not seen from the front.",
         action="Choose a clip taken from the front."),

    # ── what may not be shown ────────────────────────────────────────────────────────────
    Code("DataInspectionFailed", ContentBlockedError, http_status=400, source=f"{ERR}; {CLIENTS}",
         aliases=("data_inspection_failed",),
         messages=(
             "Input or output data may contain inappropriate content.",
             "Input data may contain inappropriate content.",
             "Output data may contain inappropriate content.",
             "Input xxx data may contain inappropriate content.",
         ),
         meaning="Content inspection stopped the picture, the clip or the result.",
         action="Use other media; the same will be stopped again."),
    Code("IPInfringementSuspect", ContentBlockedError, http_status=400, source=f"{ERR}; {CLIENTS}",
         scopes=("wan-animate", "general"),
         messages=("Input data is suspected of being involved in IP infringement.",),
         meaning="The picture or the clip looks like protected property, such as a known figure.",
         action="Use media you have the rights to; the same will be stopped again."),
    Code("CustomRoleBlocked", ContentBlockedError, http_status=400, source=ERR,
         messages=("Input or output data may contain inappropriate content with custom rule.",),
         meaning="A content rule of the account itself stopped it.",
         action="Use other media, or change the rule in the console."),
    Code("FaqRuleBlocked", ContentBlockedError, http_status=400, source=ERR,
         messages=("Input or output data is blocked by faq rule.",),
         meaning="A rule on questions and answers stopped it.",
         action="Use other input, or change the rule in the console."),

    # ── the service fails by itself ──────────────────────────────────────────────────────
    Code("InternalError", ServerError, http_status=500, source=f"{ERR}; {ZMOVE}",
         retry=Retry.LIMITED, scopes=("wan-animate", "general"),
         aliases=("internal_error",),
         messages=(
             "An internal error has occurred, please try again later or contact service support.",
             "Internal server error!",
         ),
         meaning="The service failed by itself.",
         action=RUN_ONCE_MORE),
    Code("InternalError.Algo", ServerError, http_status=500, source=f"{ERR}; {CLIENTS}",
         retry=Retry.LIMITED, scopes=("wan-animate", "general"),
         messages=(
             "Inference internal error.",
             "An internal error has occurred during algorithm execution.",
             "Inference error: Inference error.",
             "Missing Content-Length of multimodal url.",
             "No backend server available",
             ("An error occurred in model serving, error message is: [Request rejected by "
              "inference engine!]"),
             "Receive batching backend response failed!",
             "Embedding_pipeline_Error: xxx",
             ("An internal error has occurred during execution, please try again later or "
              "contact service support."),
             "algorithm process error.",
             "inference error.",
             "An internal error occurs during computation, please try this model later.",
         ),
         meaning="The model failed on these media; by chance, or because it cannot use them.",
         action="Run it once more. If that fails too, use another picture or another clip.",
         refinements=(
             Refinement(("inference error: inference error",),
                 meaning="The model failed; the picture may be damaged or show no whole face.",
                 action="Look at the picture: it must open, and show a clear, whole face."),
             Refinement(("missing content-length",),
                 error=MediaUnreachableError, retry=Retry.NEVER,
                 meaning="The host of the file does not say how long it is.",
                 action="Use a host that sends Content-Length, or client.upload."),
             Refinement(("embedding_pipeline_error",), error=MediaError, retry=Retry.NEVER,
                 meaning="The service could not prepare the media.",
                 action=MEND),
             Refinement(
                 ("no backend server", "rejected by inference engine", "batching backend"),
                 retry=Retry.YES,
                 meaning="No backend of the service could take the request.",
                 action=RESEND_LATER),
         )),
    Code("InternalError.Timeout", ServerError, http_status=500, source=ERR, retry=Retry.LIMITED,
         messages=(
             ("An internal timeout error has occurred during execution, please try again later "
              "or contact service support."),
         ),
         meaning="The task gave no result within three hours and was given up.",
         action=RUN_ONCE_MORE),
    Code("InternalError.FileUpload", ServerError, http_status=500, source=ERR, retry=Retry.LIMITED,
         messages=("OSS upload error.",),
         meaning="The service could not store the result.",
         action=RUN_ONCE_MORE),
    Code("InternalError.Upload", ServerError, http_status=500, source=ERR, retry=Retry.LIMITED,
         messages=("Failed to upload result.",),
         meaning="The service could not store the result.",
         action=RUN_ONCE_MORE),
    Code("SystemError", ServerError, http_status=500, source=ERR, retry=Retry.YES,
         messages=("A system error has occurred, please try again later.",),
         meaning="The service failed by itself.",
         action=RESEND_LATER),
    Code("ModelServiceFailed", ServerError, http_status=500, source=ERR, retry=Retry.YES,
         messages=("Failed to request model service.",),
         meaning="The service could not reach the model.",
         action=RESEND_LATER),
    # Down for a while, not gone: no ModelUnavailableError, which names a way to another model.
    Code("ModelUnavailable", ServerError, http_status=503, source=ERR, retry=Retry.YES,
         messages=("Model is unavailable, please try again later.",),
         meaning="The model is down for a while.",
         action=RESEND_LATER),
    # Says "throttled", but with a 5xx, which does not promise that nothing was accepted.
    Code("ServiceUnavailable", ServerError, http_status=503, source=ERR, retry=Retry.YES,
         messages=(
             ("Too many requests. Your requests are being throttled due to system capacity "
              "limits. Please try again later."),
         ),
         meaning="The service has no capacity left for now.",
         action=RESEND_LATER),
    Code("RequestTimeOut", ServerError, http_status=500, source=ERR, retry=Retry.YES,
         messages=(
             "Request timed out, please try again later.",
             "Response timeout!",
             'I/O error on POST request for "<url>": timeout',
         ),
         meaning="The service did not finish the call in time.",
         action=RESEND_LATER),
    Code("ResponseTimeout", ServerError, http_status=500, source=ERR, retry=Retry.YES,
         messages=("Response stream timeout",),
         meaning="A part of the service did not answer another in time.",
         action=RESEND_LATER),

    # ── the upload host, which answers in XML ────────────────────────────────────────────
    Code("EntityTooLarge", MediaError, http_status=400, source=f"{OSS}; {CAP}",
         messages=("Your proposed upload exceeds the maximum allowed size",),
         meaning="The file is larger than the upload certificate allows.",
         action=MEND),
    Code("FileAlreadyExists", InvalidRequestError, http_status=409, source=OSS,
         messages=("The object you specified already exists and can not be overwritten.",),
         meaning="A file of this name was uploaded before with the same certificate.",
         action="Upload it under a name of its own, as client.upload does."),

    # ── never from the service ───────────────────────────────────────────────────────────
    Code("WaitTaskTimeout", ServiceError, http_status=408, source=PY,
         meaning="The service never sends this: the official Python SDK makes it up when its own "
                 "wait has lasted too long.",
         action="The task itself goes on: keep its id and ask again."),
)

_FAMILIES: Final = {
    "accessdenied": Code("AccessDenied.*", PermissionDeniedError, http_status=403, source=KIN,
         meaning="The service does not allow this call.", action=READ),
    "allocationquota": Code("AllocationQuota.*", BillingError, http_status=403, source=KIN,
         meaning="A quota is used up.", action=READ),
    "badrequest": Code("BadRequest.*", InvalidRequestError, http_status=400, source=KIN,
         meaning="The service cannot make sense of the request.", action=READ),
    "invalidfile": Code("InvalidFile.*", MediaError, http_status=400, source=KIN,
         meaning="The service refused the file.", action=MEND),
    "invalidimage": Code("InvalidImage.*", MediaError, http_status=400, source=KIN,
         meaning="The service refused the picture.", action=MEND),
    "invalidvideo": Code("InvalidVideo.*", MediaError, http_status=400, source=KIN,
         meaning="The service refused the clip.", action=MEND),
}
"""Rows for unknown sub-codes, where the part before the dot has no row that would do for them."""

_STATUSES: Final = {
    401: Code("HTTP 401", AuthenticationError, http_status=401, source=RFC,
         meaning="The service does not accept the key.",
         action="Check the key, and that it belongs to the region the client points to."),
    402: Code("HTTP 402", BillingError, http_status=402, source=RFC,
         meaning="The service wants to be paid.", action=READ),
    403: Code("HTTP 403", PermissionDeniedError, http_status=403, source=RFC,
         meaning="The service does not allow this call.", action=READ),
    404: Code("HTTP 404", NotFoundError, http_status=404, source=RFC,
         meaning="There is nothing under this path or id.",
         action="Check the id, and that the base URL ends in /api/v1."),
    # Not ThrottledError: a gateway that answers 408 does not promise that nothing was accepted.
    408: Code("HTTP 408", ServerError, http_status=408, source=RFC, retry=Retry.YES,
         meaning="The request did not get through in time.", action=RESEND_LATER),
    429: Code("HTTP 429", ThrottledError, http_status=429, source=RFC, retry=Retry.YES,
         meaning="Too many requests for now.",
         action="Wait and send it again, at a slower pace."),
}
_CLASSES: Final = {
    4: Code("HTTP 4xx", InvalidRequestError, http_status=400, source=RFC,
         meaning="The service does not take the request.", action=READ),
    5: Code("HTTP 5xx", ServerError, http_status=500, source=RFC, retry=Retry.YES,
         meaning="The service failed by itself.", action=RESEND_LATER),
}
_UNKNOWN: Final = Code("unknown", ServiceError, http_status=None, source="a guess",
         meaning="The service said no, without a code or status that is known.", action=READ)
# fmt: on

CODES: Final[Mapping[str, Code]] = MappingProxyType({row.name: row for row in _ROWS})
"""Every documented code, by name."""

_BY_SPELLING: Final = {
    spelling.casefold(): row for row in _ROWS for spelling in (row.name, *row.aliases)
}
_DEEPEST: Final = 4
"""Parts of the longest dotted name; what lies deeper cannot change the family."""


def lookup(code: str | None, *, message: str = "", http_status: int | None = None) -> Code:
    """Find the row that answers an error code, whatever the service may have sent.

    A documented code wins, in capital or small letters; then the family it belongs to by its
    dotted prefix; then the HTTP status. A row found by a guess is not in `CODES` under its
    name. If the message refines the row, the refined row is given.

    Args:
        code: The code as received.
        message: The text that came with it.
        http_status: Status of the HTTP answer, where there was one.
    """
    row = (_by_name(code) if code else None) or _by_status(http_status)
    said = message.casefold()
    for refinement in row.refinements:
        if any(words in said for words in refinement.says):
            return _refined(row, refinement)
    return row


def _by_name(code: str) -> Code | None:
    name = code.strip().casefold()
    if row := _BY_SPELLING.get(name):
        return row
    parts = name.split(".", _DEEPEST)
    for count in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:count])
        if row := _FAMILIES.get(prefix) or _BY_SPELLING.get(prefix):
            return row
    return None


def _by_status(http_status: int | None) -> Code:
    if http_status is None:
        return _UNKNOWN
    return _STATUSES.get(http_status) or _CLASSES.get(http_status // 100, _UNKNOWN)


def _refined(row: Code, refinement: Refinement) -> Code:
    return row._replace(
        error=refinement.error or row.error,
        meaning=refinement.meaning or row.meaning,
        action=refinement.action or row.action,
        retry=refinement.retry or row.retry,
    )

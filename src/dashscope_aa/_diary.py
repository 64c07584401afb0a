"""What happens in one run of `animate`: told as it happens, and summed up in the end."""

import inspect
import logging

from dashscope_aa._choices import Choices
from dashscope_aa._endpoints import OutputT
from dashscope_aa._prices import billed_cny, total
from dashscope_aa._protocol import expiry
from dashscope_aa._task import Task, TaskState
from dashscope_aa.events import Animation, Detected, Event, Finished, Progressed, Step, Submitted
from dashscope_aa.models import Detection, VideoOutput

log = logging.getLogger("dashscope_aa")


class Diary:
    """Tells the events of a run, and keeps what its steps cost and which ids they got."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._costs: list[float | None] = []
        self._task_ids: dict[Step, str] = {}
        self._request_ids: dict[Step, str] = {}
        self._open: dict[Step, str] = {}
        self._detection: Detection | None = None
        self.template_id: str | None = None
        """The motion template, once there is one."""

    async def tell(self, event: Event) -> None:
        """Report an event. What the receiver does wrong costs no paid job."""
        if self._choices.on_event is None:
            return
        try:
            answer = self._choices.on_event(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            log.exception("on_event failed for %s", type(event).__name__)

    async def detected(self, detection: Detection, *, cost_cny: float | None) -> None:
        """Take down the verdict on the picture."""
        self._detection = detection
        self._costs.append(cost_cny)
        if detection.request_id:
            self._request_ids["detect"] = detection.request_id
        await self.tell(Detected(detection=detection))

    async def wait(self, task: Task[OutputT], step: Step, *, paid: bool) -> OutputT:
        """Wait for a task, telling each change of its status; *paid* if this run pays for it."""
        self._task_ids[step] = task.id
        self._open[step] = task.token
        news = iter([Submitted(step=step, task_id=task.id, token=task.token, model=task.model)])

        async def progressed(state: TaskState) -> None:
            for submitted in news:  # within the wait, which knows what a cancellation means
                await self.tell(submitted)
            await self.tell(Progressed(step=step, task_id=task.id, status=state.status))

        try:
            output = await task.result(
                timeout_s=self._choices.timeout_s,
                on_cancel=self._choices.on_cancel,
                on_state=progressed,
            )
        finally:
            if task.done:
                del self._open[step]
        if task.request_id:
            self._request_ids[step] = task.request_id
        if paid:
            self._costs.append(billed_cny(task.model, task.usage))
        return output

    def note_open(self, error: BaseException) -> None:
        """Leave the tokens of paid tasks that may go on, so that none is lost with the run."""
        said = "".join(getattr(error, "__notes__", ()))
        for step, token in self._open.items():
            if token not in said:
                error.add_note(f"the {step} task may go on; its token: {token}")
        if self.template_id is not None:
            error.add_note(f"the template is there: give {self.template_id} in the clip's place")

    async def finished(self, task: Task[VideoOutput], output: VideoOutput) -> Animation:
        """Sum the run up."""
        animation = Animation(
            video_url=output.video_url,
            expires_at=expiry(output),
            engine=self._choices.engine,
            output=output,
            usage=task.usage,
            cost_cny=total(self._costs),
            detection=self._detection,
            template_id=self.template_id,
            task_ids=dict(self._task_ids),
            request_ids=dict(self._request_ids),
        )
        await self.tell(Finished(animation=animation))
        return animation

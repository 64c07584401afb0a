"""A small web app: drop a portrait and a clip, see what is wrong with them, get a video.

Started by scripts/webapp, or from the folder above by ``python -m webapp --emulator``. One file,
one subject: `jobs` keeps what is known, `look` judges files, `work` has videos made, `app` speaks
HTTP, `page` is what the browser shows.
"""

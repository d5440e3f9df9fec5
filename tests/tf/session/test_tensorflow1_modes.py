"""Test sessions in a process that disables eager execution, and then TensorFlow 2 behavior."""


def test_session_without_tensorflow_2_behavior(fresh_process):
    """In another process, because neither can be enabled again."""
    assert fresh_process("tf").steps["sessions"] == ["disable_eager_execution", "disable_v2_behavior"]

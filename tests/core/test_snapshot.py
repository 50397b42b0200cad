"""What a path is for."""

import pytest

from koma.core.snapshot import classify

FOLDERS = ("projects/lantern", "projects/lantern-street")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("projects/lantern/project.yaml", "document", id="YAML in a project"),
        pytest.param("projects/lantern/scenes/e01/s01.yml", "document", id="YAML however deep"),
        pytest.param("projects/lantern/SCENE.YAML", "document", id="YAML in capitals"),
        pytest.param("projects/lantern/notes.md", "", id="a note"),
        pytest.param("projects/lantern/yaml", "", id="a name without suffix"),
        pytest.param("projects/lantern/proposals/s01.yaml", "", id="a proposal is no document yet"),
        pytest.param("projects/lantern/references/aki/face.PNG", "image", id="a picture"),
        pytest.param("projects/lantern/references/aki/adult/face.webp", "image", id="a picture of a version"),
        pytest.param("projects/lantern/references/aki/notes.yaml", "", id="YAML among the pictures is no document"),
        pytest.param("projects/lantern/art/face.png", "", id="a picture elsewhere"),
        pytest.param("projects/lantern/templates/still/template.yaml", "template", id="a template of the project"),
        pytest.param("templates/still/graph.json.j2", "template", id="a template of the workspace"),
        pytest.param("projects/other/project.yaml", "", id="a folder that is not watched"),
        pytest.param("projects/lantern-street/project.yaml", "document", id="a folder whose name begins like another's"),
        pytest.param("koma.yaml", "", id="the settings"),
    ],
)
def test_what_a_path_is_for(path, expected):
    assert classify(path, FOLDERS, "templates") == expected

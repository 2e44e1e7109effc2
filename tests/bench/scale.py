"""What a large machine carries, calculated from the measured costs: the table of docs/scale.md."""


def markdown(known):
    return "*Not calculated yet.*"

# Dot-sourced by run.ps1 and test.ps1, with the checkout as the current folder: a complete .venv, made or reused.

function Say($text) { Write-Host "alcove: $text" }

function Find-Python {
    $ErrorActionPreference = 'Continue'  # else Windows PowerShell stops at the first word that a candidate writes to stderr
    $candidates = @(@($env:PYTHON), @('py', '-3'), @('python'), @('python3')) | Where-Object { $_[0] }
    foreach ($candidate in $candidates) {
        $name, $options = $candidate
        if (-not (Get-Command $name -ErrorAction SilentlyContinue)) { continue }
        & $name @options -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>$null
        if ($LASTEXITCODE -eq 0) { return , @($candidate) }
    }
    throw 'Python 3.11 or newer is needed: install it from python.org or with "winget install Python.Python.3.12", then start again.'
}

function Initialize-Alcove($lock) {
    $sum = { param($name) (Get-FileHash $name, pyproject.toml, installers/source/setup.ps1 | ForEach-Object Hash) -join '' }
    $done = Get-Content .venv/alcove-complete -ErrorAction SilentlyContinue
    $good = @($lock, 'requirements-dev.lock') | ForEach-Object { "$_ $(& $sum $_) $PWD" }
    if ($done -and $good -contains $done) { return }
    $name, $options = Find-Python
    Say "setting up in $PWD\.venv (once)"
    # An interruption leaves a .venv without the file alcove-complete, and the next start makes it anew.
    Remove-Item -Recurse -Force .venv -ErrorAction SilentlyContinue
    & $name @options -m venv .venv
    if ($LASTEXITCODE) { throw 'Python could not make a .venv here.' }
    & .venv/Scripts/python -m pip install --quiet --disable-pip-version-check --require-hashes -r installers/source/pip.lock
    if ($LASTEXITCODE) { throw 'pip could not be renewed; is there a connection to a package index?' }
    Say 'the engine, llama.cpp, is compiled for this computer, which takes 2 to 15 minutes once; it needs the Visual Studio Build Tools with C++ and CMake'
    & .venv/Scripts/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $lock
    if ($LASTEXITCODE) {
        throw 'The setup did not complete; the reason is above. A missing compiler: winget install Microsoft.VisualStudio.2022.BuildTools --override "--add Microsoft.VisualStudio.Workload.VCTools --includeRecommended --passive"'
    }
    & .venv/Scripts/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
    if ($LASTEXITCODE) { throw 'Alcove itself could not be set up.' }
    Set-Content -NoNewline .venv/alcove-complete "$lock $(& $sum $lock) $PWD"
}

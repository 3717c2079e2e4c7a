# Try the MSI for everybody and the setup for one person on this Windows, and remove them again: installed without a question, started,
# asked, a rule of the organisation seen, nothing left. Needs an administrator, and a computer that may be changed.
#   powershell -ExecutionPolicy Bypass -File installers\windows\check.ps1
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '../..')
$env:ALCOVE_HOME = Join-Path ([IO.Path]::GetTempPath()) 'alcove-check'
$machine = Get-ChildItem dist/alcove-*-x64.msi | Select-Object -First 1
$setup = Get-ChildItem dist/alcove-*-x64-setup.exe | Select-Object -First 1
$rules = 'HKLM:\Software\Policies\Alcove'

function Wait-For($program, $arguments) {
    $done = Start-Process $program -ArgumentList $arguments -Wait -PassThru
    if ($done.ExitCode) { throw "$program $arguments ended with $($done.ExitCode)." }
}
function Assert-True($what, $holds) {
    if (-not $holds) { throw "This does not hold: $what" }
    Write-Host "alcove: $what"
}
function Test-Program($folder) {
    $alcove = Join-Path $folder 'alcove.exe'
    $version = & $alcove --version
    Assert-True "it starts: $version" ($LASTEXITCODE -eq 0 -and $version -match '^alcove \d')
    $doctor = & $alcove doctor --json | ConvertFrom-Json
    Assert-True "the engine is there: $($doctor.engine.name) $($doctor.engine.version)" ($doctor.engine.version)
    $answer = (& $alcove chat guide -p 'What is a token?') -join ' '
    Assert-True "the guide answers: $answer" ($LASTEXITCODE -eq 0 -and $answer.Length -gt 20)
}

Wait-For msiexec "/i `"$machine`" /qn /norestart /l*v `"$($machine.FullName).log`" DESKTOPSHORTCUT=1"
$folder = (Get-ItemProperty HKLM:\Software\Alcove).InstallDir
Test-Program $folder
Assert-True 'it is in PATH' ([Environment]::GetEnvironmentVariable('Path', 'Machine') -like "*$folder*")
Assert-True 'it is in the menu' (Test-Path "$env:ProgramData\Microsoft\Windows\Start Menu\Programs\Alcove.lnk")
New-Item -Force $rules | Out-Null
New-ItemProperty -Force $rules -Name banner -Value 'Checked by IT' | Out-Null
$said = (& (Join-Path $folder 'alcove.exe') policy show) -join ' '
Remove-Item -Recurse $rules
Assert-True 'a rule of the organisation is seen' ($said -match 'Checked by IT')
Wait-For msiexec "/x `"$machine`" /qn /norestart"
Assert-True 'the MSI leaves nothing' (-not (Test-Path $folder) -and -not (Test-Path HKLM:\Software\Alcove))

Wait-For $setup.FullName '/S'
$folder = (Get-ItemProperty HKCU:\Software\Alcove).InstallDir
Test-Program $folder
# The uninstaller goes on in a copy of itself; _? makes it stay, and be waited for, and leave itself behind.
Wait-For (Join-Path $folder 'uninstall.exe') "/S _?=$folder"
Assert-True 'the setup leaves nothing' (-not (Test-Path (Join-Path $folder '_internal')) -and -not (Test-Path HKCU:\Software\Alcove))
Remove-Item -Recurse -Force $folder, $env:ALCOVE_HOME -ErrorAction SilentlyContinue

# Build Alcove for Windows: the engine, the frozen app, two MSIs and a setup, in dist. With a certificate in SIGN_PFX all is signed.
# Needs Python 3.11 or newer, Git (for its sh), Visual Studio Build Tools with C++ and CMake, WiX 3.14, NSIS 3.
#   powershell -ExecutionPolicy Bypass -File installers\windows\build.ps1 [-Models FOLDER] [-AddOns vulkan,cuda]
# FOLDER is a bundle that "alcove bundle create" made; its models go along, if all fits into the 2 GB of an MSI. An add-on for
# graphics cards, an MSI of its own, needs the SDK of Vulkan or the CUDA toolkit 13.0 (installers/app/engine.sh).
param([string]$Models, [ValidateSet('vulkan', 'cuda')][string[]]$AddOns = @())
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '../..')

function Invoke-Tool($name) {
    & $name @args
    if ($LASTEXITCODE) { throw "$name said no (exit status $LASTEXITCODE)." }
}
function Protect-Files { if ($env:SIGN_PFX) { & "$PSScriptRoot/sign.ps1" @args } }

if ($env:WIX) { $env:Path = "$env:WIX\bin;$env:Path" }
$env:Path = "${env:ProgramFiles(x86)}\NSIS;$env:Path"
$sh = Join-Path (Split-Path (Split-Path (Get-Command git).Source)) 'bin\sh.exe'
if (-not $env:PYTHON) { $env:PYTHON = 'python' }
$python = 'build/tools/Scripts/python'
Invoke-Tool $sh -c '. installers/app/tools.sh && tools'
Invoke-Tool $python installers/app/icons.py build/icon
Invoke-Tool $sh installers/app/freeze.sh
$version = (Select-String -Path desktop/__init__.py -Pattern '^__version__ = "(.*)"').Matches[0].Groups[1].Value

if ($Models) { Invoke-Tool $python installers/app/models.py $Models dist/alcove/models }
Protect-Files dist/alcove
Invoke-Tool $python installers/windows/msi.py dist/alcove "dist/alcove-$version-x64.msi"
Invoke-Tool $python installers/windows/msi.py --scope user dist/alcove "dist/alcove-$version-x64-user.msi"
Invoke-Tool makensis /V2 /WX /NOCD "/DVERSION=$version" "/DPAYLOAD=$(Resolve-Path dist/alcove)" /DICON=build/icon/alcove.ico "/DOUT=dist/alcove-$version-x64-setup.exe" installers/windows/alcove.nsi
Protect-Files "dist/alcove-$version-x64.msi" "dist/alcove-$version-x64-user.msi" "dist/alcove-$version-x64-setup.exe"

foreach ($addOn in $AddOns) {
    Invoke-Tool $sh installers/app/addon.sh $addOn
    Protect-Files "dist/alcove-$addOn"
    Invoke-Tool $python installers/windows/msi.py --addon $addOn "dist/alcove-$addOn" "dist/alcove-$version-x64-$addOn.msi"
    Protect-Files "dist/alcove-$version-x64-$addOn.msi"
}
